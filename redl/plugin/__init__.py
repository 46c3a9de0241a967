"""The pytest plugin: a face without logic of its own, and a light guest in other projects."""
