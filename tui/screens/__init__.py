"""Dialogs: small screens over the panes, closed by Esc."""
