"""The help of the command ``glassbox``, asked from the command itself."""

from __future__ import annotations

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


def help_texts() -> dict[str, str]:
    """Return the help of each subcommand, as the terminal shows it."""
    import typer

    from glassbox.cli import app

    command = typer.main.get_command(app)
    return {
        f"glassbox {name}": part.make_context(name, [], resilient_parsing=True, max_content_width=88).get_help()
        for name, part in command.commands.items()
    }


class CommandHelp(SphinxDirective):
    """A section for each subcommand."""

    def run(self) -> list[nodes.Node]:
        from glassbox import cli

        self.env.note_dependency(cli.__file__)
        sections = []
        for title, text in help_texts().items():
            section = nodes.section("", nodes.title("", title), ids=[nodes.make_id(title)])
            section += nodes.literal_block(text, text, language="text")
            sections.append(section)
        return sections


def setup(app: Sphinx) -> None:
    app.add_directive("command-help", CommandHelp)
