"""Putting files in order: proposals, plans that are read and edited, and their application and undoing.

The one place that changes the user's files. `propose` (in the engine) says what could be done, `plan` is
its text, `check` compares a plan with the disk, `disk` and `trash` know how a file is moved without
overwriting anything, `journal` keeps what was done before it is done, and `runs` applies, resumes, rolls
back and undoes. All but `propose` work on paths alone, in the process of the command.
"""
