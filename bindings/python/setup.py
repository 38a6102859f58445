"""The wheel carries libcall.so and call-host, so that it is for one platform; for every Python 3 of it, as nothing is compiled."""
import os
import pathlib
import platform
import re
import shutil

from setuptools import Distribution, setup
from setuptools.command.build_py import build_py

try:
    from setuptools.command.bdist_wheel import bdist_wheel
except ImportError:
    from wheel.bdist_wheel import bdist_wheel

HERE = pathlib.Path(__file__).resolve().parent
LIBRARY = pathlib.Path(os.environ.get("LIBCALL_LIBRARY", HERE.parent.parent / "target" / "release" / "libcall.so"))


def platform_tag():
    """manylinux with the newest version of glibc that the library asks for (PEP 600): older ones cannot load it."""
    versions = [int(minor) for minor in re.findall(rb"GLIBC_2\.(\d+)", LIBRARY.read_bytes())]
    return f"manylinux_2_{max(versions)}_{platform.machine()}"


class WithLibrary(build_py):
    def run(self):
        super().run()
        shutil.copy(LIBRARY, pathlib.Path(self.build_lib, "libcall", "libcall.so"))
        shutil.copy(LIBRARY.with_name("call-host"), pathlib.Path(self.build_lib, "libcall", "call-host"))


class ForPlatform(bdist_wheel):
    def get_tag(self):
        return "py3", "none", platform_tag()


class NotPure(Distribution):
    def has_ext_modules(self):
        return True


setup(distclass=NotPure, cmdclass={"build_py": WithLibrary, "bdist_wheel": ForPlatform})
