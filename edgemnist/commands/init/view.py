"""A new project for people: its files, and what to do next."""

from __future__ import annotations

from edgemnist.commands.init.stage import Project
from edgemnist.support.progress import stdout_console


def show(project: Project) -> None:
    """Print what was written, what was taken without being said, and the first commands."""
    console, settings = stdout_console(), project.settings
    if project.assumed:
        taken = ", ".join(f"--{name} {getattr(settings, name)}" for name in project.assumed)
        console.print(f"taken without a question: {taken}", markup=False)
    console.print(f"written to {settings.folder}: {', '.join(project.files)}", markup=False)
    here = str(settings.folder) == "."
    commands = [*([] if here else [f"cd {settings.folder}"]), f"edgemnist data show {settings.images}", "edgemnist run"]
    console.print(f"next: {' && '.join(commands)}", markup=False)
