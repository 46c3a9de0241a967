"""What all tests of the checkout share; the suite's own fixtures come from the plugin `redl.plugin`."""

pytest_plugins = ["pytester"]
