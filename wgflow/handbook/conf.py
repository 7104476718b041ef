"""How Sphinx builds the handbook, from the copy of these sources that ``wgflow docs`` makes."""

from importlib.metadata import version as version_of

project = "wgflow"
author = "The wgflow developers"
version = release = version_of("wgflow")
html_title = f"wgflow {version}"

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_parser",
    "sphinx_gallery.gen_gallery",
    "wgflow.app.handbook.extension",
]
source_suffix = {".rst": "restructuredtext", ".md": "markdown"}
exclude_patterns = ["scripts", "about/CHANGELOG.md", "**/*.py"]
templates_path = ["_templates"]
default_role = "py:obj"
smartquotes = False  # options of commands begin with two hyphens

# Docstrings say what things are; annotations repeat it.
autodoc_typehints = "none"
autodoc_member_order = "bysource"
autosummary_generate = True
numpydoc_show_class_members = False

myst_enable_extensions = ["dollarmath", "amsmath", "colon_fence", "deflist", "attrs_block", "attrs_inline"]
myst_heading_anchors = 3

sphinx_gallery_conf = {
    "examples_dirs": ["scripts/tutorials", "scripts/examples"],
    "gallery_dirs": ["tutorials", "examples"],
    "filename_pattern": r"\.py",
    "within_subsection_order": "FileNameSortKey",
    "image_scrapers": ("wgflow.app.handbook.scraping.scrape",),
    "reset_modules": (),
    "capture_repr": (),
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "min_reported_time": 1e9,
    "backreferences_dir": None,
    "write_computation_times": False,
    "remove_config_comments": True,
}

# Nothing comes from a network: formulae are MathML, which browsers draw themselves.
html_math_renderer = "mathml"
html_theme = "pydata_sphinx_theme"
html_static_path = ["_static"]
html_css_files = ["handbook.css"]
html_sidebars: dict[str, list[str]] = {"index": [], "validation": []}
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "navigation_with_keys": False,
    "show_prev_next": True,
    "header_links_before_dropdown": 7,
    "navbar_align": "left",
    "navbar_persistent": ["search-button"],
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "default",
}
