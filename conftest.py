"""The fixtures that every test may use live in `pneumatic.testing`."""

pytest_plugins = ("pneumatic.testing.plugin",)
