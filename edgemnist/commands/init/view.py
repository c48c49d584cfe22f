"""A new project for people: its files, and what to do next."""

from __future__ import annotations

from edgemnist.commands.init.stage import Project
from edgemnist.support.tables import print_lines, print_text


def show(project: Project) -> None:
    """Print what was written, what was taken without being said, and the first commands."""
    settings = project.settings
    if project.assumed:
        taken = ", ".join(f"--{name} {getattr(settings, name)}" for name in project.assumed)
        print_text(f"taken without a question: {taken}")
    print_text(f"written to {settings.folder}: {', '.join(project.files)}")
    here = str(settings.folder) == "."
    commands = [*([] if here else [f"cd {settings.folder}"]), f"edgemnist data show {settings.images}", "edgemnist run"]
    print_lines([f"next: {' && '.join(commands)}"])
