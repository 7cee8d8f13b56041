/** Places on the screen and in the picture: (0, 0) is the centre of the top left pixel. */

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface View {
  /** Screen pixels per picture pixel. */
  readonly scale: number;
  /** Where the picture's top left corner is on the screen [px]. */
  readonly left: number;
  readonly top: number;
}

export const toScreen = (view: View, { x, y }: Point): Point => ({
  x: (x + 0.5) * view.scale + view.left,
  y: (y + 0.5) * view.scale + view.top,
});

export const toPicture = (view: View, { x, y }: Point): Point => ({
  x: (x - view.left) / view.scale - 0.5,
  y: (y - view.top) / view.scale - 0.5,
});

/** The view in which a picture fills a panel as far as its sides allow. */
export function fitted(width: number, height: number, panelWidth: number, panelHeight: number): View {
  const scale = Math.min(panelWidth / width, panelHeight / height);
  return { scale, left: (panelWidth - width * scale) / 2, top: (panelHeight - height * scale) / 2 };
}

/** Zoom about a place of the screen, which keeps what it shows. */
export function zoomed(view: View, at: Point, factor: number, least = 0.05, most = 64): View {
  const scale = Math.min(most, Math.max(least, view.scale * factor));
  const ratio = scale / view.scale;
  return { scale, left: at.x - (at.x - view.left) * ratio, top: at.y - (at.y - view.top) * ratio };
}

export const panned = (view: View, dx: number, dy: number): View => ({
  ...view,
  left: view.left + dx,
  top: view.top + dy,
});

export const distance = (a: Point, b: Point): number => Math.hypot(a.x - b.x, a.y - b.y);

/** Turn a vector by an angle, x to y [degrees]. */
export function turned({ x, y }: Point, degrees: number): Point {
  const angle = (degrees * Math.PI) / 180;
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  return { x: x * c - y * s, y: x * s + y * c };
}
