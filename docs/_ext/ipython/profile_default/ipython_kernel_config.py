"""How the notebooks' kernels draw: SVG, from which the site makes the dark variant."""

c = get_config()  # noqa: F821 - IPython provides it
c.InlineBackend.figure_formats = {"svg"}
c.InlineBackend.print_figure_kwargs = {"bbox_inches": None}
c.HistoryManager.enabled = False
