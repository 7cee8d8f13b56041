"""The style sheet of the report; names of colours stand for those of the palette."""

from mystax.plot.style import palette

__all__ = ["page_css"]

CSS = """
:root { color-scheme: light dark; }
* { box-sizing: border-box; }
body { font: 16px/1.55 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; margin: 0;
  background: LIGHT_ground; color: LIGHT_text; }
main { max-width: 56rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 0.3rem; overflow-wrap: anywhere; }
h2 { font-size: 1.3rem; margin: 3rem 0 0.8rem; padding-bottom: 0.3rem; border-bottom: 1px solid #8885; }
h3 { font-size: 0.95rem; margin: 1rem 0 0.2rem; }
.verdict { font-size: 1.1rem; color: LIGHT_muted; margin: 0 0 0.8rem; }
a { color: LIGHT_link; }
nav ul { list-style: none; display: flex; flex-wrap: wrap; gap: 0.2rem 1.2rem; padding: 0; margin: 0 0 1.5rem;
  font-size: 0.92rem; }
.warning { border-left: 4px solid LIGHT_warning; padding: 0.35rem 0.9rem; margin: 0.6rem 0; background: #8881;
  border-radius: 0 4px 4px 0; }
.warning p { margin: 0; overflow-wrap: anywhere; }
.warning .meaning, .method, figcaption { color: LIGHT_muted; font-size: 0.92rem; }
figure { margin: 1.4rem 0; }
figure img { display: block; max-width: 100%; height: auto; background: #ffffff; border-radius: 6px;
  padding: 0.5rem; border: 1px solid #8883; }
figcaption { margin-top: 0.45rem; overflow-wrap: anywhere; }
figcaption strong { color: LIGHT_text; }
.table { overflow-x: auto; }
table { border-collapse: collapse; margin: 0.8rem 0; font-size: 0.92rem; min-width: 50%; }
td, th { text-align: left; vertical-align: top; padding: 0.28rem 1.1rem 0.28rem 0; font-weight: normal;
  border-bottom: 1px solid #8883; }
thead th { font-weight: 600; vertical-align: bottom; border-bottom: 2px solid #8886; }
.number { font-variant-numeric: tabular-nums; white-space: nowrap; }
code, pre { font: 0.87rem/1.5 ui-monospace, Consolas, monospace; }
pre { overflow-x: auto; padding: 0.7rem 0.9rem; border: 1px solid #8884; border-radius: 6px;
  margin: 0.2rem 0; }
summary { cursor: pointer; margin: 0.6rem 0; }
a:focus-visible, summary:focus-visible { outline: 2px solid LIGHT_link; outline-offset: 2px; }
.hash td { overflow-wrap: anywhere; font-size: 0.85rem; }
@media (prefers-color-scheme: dark) {
  body { background: DARK_ground; color: DARK_text; }
  .verdict, .warning .meaning, .method, figcaption { color: DARK_muted; }
  figcaption strong { color: DARK_text; } a { color: DARK_link; }
  .warning { border-color: DARK_warning; } figure img { border-color: #0000; }
  a:focus-visible, summary:focus-visible { outline-color: DARK_link; }
}
@media print {
  body { background: #ffffff; color: #000000; font-size: 10.5pt; } main { max-width: none; padding: 0; }
  .verdict, .warning .meaning, .method, figcaption, figcaption strong { color: #222222; }
  nav { display: none; } figure, tr, .warning { break-inside: avoid; } h2 { break-after: avoid; }
  figure img { border: 0; padding: 0; } pre { white-space: pre-wrap; }
}
"""


def page_css() -> str:
    """Return the rules of a page, with the colours of the palette."""
    text = CSS
    for mode in ("light", "dark"):
        for name, colour in palette()[mode].items():
            text = text.replace(f"{mode.upper()}_{name}", str(colour))
    return text
