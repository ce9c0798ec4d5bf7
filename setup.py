"""What pyproject.toml cannot say: a wheel gets `flom/_hot.py` (see packaging/hot_path.py)."""

import pathlib
import runpy

from setuptools import setup
from setuptools.command.build_py import build_py

HERE = pathlib.Path(__file__).resolve().parent


class BuildWithHotPath(build_py):
    """Copies the package, then adds the one file that is made and not written."""

    def run(self) -> None:
        """Build the package; an editable installation uses the source tree as it is."""
        super().run()
        if not self.editable_mode:
            generate = runpy.run_path(str(HERE / "packaging" / "hot_path.py"))["generate"]
            for name, text in generate(HERE / "src").items():
                pathlib.Path(self.build_lib, "flom", name).write_text(text)


setup(cmdclass={"build_py": BuildWithHotPath})
