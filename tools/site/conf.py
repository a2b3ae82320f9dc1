"""Settings of Sphinx, which makes the site: `make docs`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import senpath
from tools.site.docstrings import setup
from tools.site.public import ABSENT

project = "senpath"
release = senpath.__version__
html_title = f"senpath {release}"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
source_suffix = {".md": "markdown"}
nitpicky = False  # types of torch and NumPy have no page here
highlight_language = "none"

myst_heading_anchors = 6  # as GitHub has them
myst_enable_extensions = ["strikethrough"]
suppress_warnings = ["myst.strikethrough", "misc.highlighting_failure"]

autodoc_mock_imports = ABSENT
autodoc_member_order = "bysource"
autodoc_type_aliases = {"Follower": "Follower"}  # its parts are many
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 90
napoleon_custom_sections = [("Attributes", "params_style")]  # else each would be described twice
napoleon_numpy_docstring = False

html_theme = "furo"
html_static_path = ["static"]
html_css_files = ["dark.css"]
html_show_copyright = False
html_show_sourcelink = False
html_copy_source = False
html_show_search_summary = False  # a page that is opened as a file may not read others
copybutton_prompt_text = r">>> |\.\.\. "
copybutton_prompt_is_regexp = True

__all__ = ["setup"]
