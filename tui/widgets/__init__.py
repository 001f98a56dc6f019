"""Widgets of the interface. They draw line by line and know nothing of the library."""
