// Made by tools/web_types.py; do not edit.

export const palette = {
  "light": {
    "ground": "#ffffff",
    "text": "#1b1f24",
    "muted": "#57606a",
    "link": "#0b57d0",
    "warning": "#9a5b00",
    "error": "#b3261e"
  },
  "dark": {
    "ground": "#16181d",
    "text": "#e8eaed",
    "muted": "#a8b0bb",
    "link": "#8ab4f8",
    "warning": "#ffb454",
    "error": "#ff7b72"
  },
  "series": {
    "colours": [
      "#0072B2",
      "#D55E00",
      "#009E73",
      "#CC79A7",
      "#56B4E9",
      "#E69F00",
      "#5b5b5b"
    ],
    "missing": "#d9d9d9"
  },
  "states": {
    "colours": [
      "#E69F00",
      "#56B4E9",
      "#009E73",
      "#F0E442",
      "#0072B2",
      "#D55E00",
      "#CC79A7",
      "#8C6D31",
      "#6B4C9A",
      "#17A2A2",
      "#A3A500",
      "#7F2A2A"
    ],
    "missing": "#d9d9d9"
  },
  "regions": {
    "pupil": "#D55E00",
    "motion": "#009E73",
    "blink": "#CC79A7",
    "running": "#0072B2",
    "face": "#E69F00",
    "reflection": "#56B4E9"
  },
  "frames": {
    "good": "#cfe3f1",
    "gap": "#f3ead7",
    "undecodable": "#b3261e",
    "corrupt": "#E69F00",
    "doubtful": "#CC79A7",
    "other_size": "#0072B2",
    "no_time": "#5b5b5b"
  },
  "keypoints": {
    "eye": [
      "#1e88a9",
      "#b6e3ff",
      "#1748c1",
      "#9790f5"
    ],
    "whisker": [
      "#7d5006",
      "#cca882",
      "#e55f04"
    ],
    "nose": [
      "#179985",
      "#35604a",
      "#86db17",
      "#d6f2ca"
    ],
    "mouth": [
      "#d8a8b8",
      "#79416a"
    ],
    "other": [
      "#8ab4f8",
      "#c9c9c9",
      "#ffb454"
    ]
  }
} as const;
