import { defineConfig } from "vitest/config";

// The page works below any proxy path (base "./"), asks no other host, and its names carry their content.
export default defineConfig({
  base: "./",
  build: {
    outDir: "../_web",
    emptyOutDir: true,
    target: "es2022",
    sourcemap: false,
    modulePreload: { polyfill: false },
  },
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 30_000,
    coverage: {
      provider: "v8",
      include: ["src/*.ts"],
      // What speaks to the server or holds the page's state is tried by the browser tests.
      exclude: ["src/api.ts", "src/state.ts", "src/*.gen.ts"],
      thresholds: { lines: 90 },
    },
  },
});
