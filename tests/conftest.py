"""pytest's own fixture for running pytest, which the tests of the plugin need."""

pytest_plugins = ["pytester"]
