"""Render the face of the demonstration anew and keep it in the package: ``python tools/demo_face.py``.

Needed when the renderer, the script or the films' size change; a nightly test tells.
"""

from mystax.engine.demo.face import KEPT, render_face

if __name__ == "__main__":
    KEPT.mkdir(exist_ok=True)
    render_face(KEPT)
    print(f"{sum(path.stat().st_size for path in KEPT.iterdir()) / 1000:.0f} kB in {KEPT}")
