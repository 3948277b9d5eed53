"""The names and default colours of what the output consists of."""

COMPONENTS = (
    "output-view--assistant",
    "output-view--open",
    "output-view--heading",
    "output-view--code",
    "output-view--quote",
    "output-view--bullet",
    "output-view--link",
    "output-view--command",
    "output-view--command-header",
    "output-view--diff",
    "output-view--diff-header",
    "output-view--added",
    "output-view--removed",
    "output-view--hunk",
    "output-view--error",
    "output-view--turn-end",
    "output-view--note",
    "output-view--empty",
    "output-view--prompt",
    "output-view--card",
    "output-view--card-subject",
    "output-view--card-pending",
    "output-view--card-running",
    "output-view--card-done",
    "output-view--card-failed",
    "output-view--code-keyword",
    "output-view--code-string",
    "output-view--code-comment",
    "output-view--code-number",
    "output-view--code-name",
    "output-view--code-added",
    "output-view--code-removed",
    "output-view--cursor",
)
OUTPUT_CSS = """
OutputView {
    & > .output-view--heading { color: $text-primary; text-style: bold; }
    & > .output-view--code { color: $text-accent; }
    & > .output-view--quote { color: $text-muted; text-style: italic; }
    & > .output-view--bullet { color: $text-primary; }
    & > .output-view--link { color: $text-primary; text-style: underline; }
    & > .output-view--command { color: $text-muted; }
    & > .output-view--command-header { color: $text-accent; }
    & > .output-view--diff { color: $text-muted; }
    & > .output-view--diff-header { color: $text-accent; }
    & > .output-view--added { color: $text-success; }
    & > .output-view--removed { color: $text-error; }
    & > .output-view--hunk { color: $text-muted; }
    & > .output-view--error { color: $text-error; text-style: bold; }
    & > .output-view--turn-end { color: $text-muted; }
    & > .output-view--note { color: $text-muted; text-style: italic; }
    & > .output-view--empty { color: $text-muted; }
    & > .output-view--prompt { color: $text-primary; text-style: bold; }
    & > .output-view--card-subject { color: $text-muted; }
    & > .output-view--card-pending { color: $text-muted; }
    & > .output-view--card-running { color: $text-warning; }
    & > .output-view--card-done { color: $text-success; }
    & > .output-view--card-failed { color: $text-error; text-style: bold; }
    & > .output-view--code-keyword { color: $text-primary; }
    & > .output-view--code-string { color: $text-success; }
    & > .output-view--code-comment { color: $text-muted; text-style: italic; }
    & > .output-view--code-number { color: $text-warning; }
    & > .output-view--code-name { color: $text-primary; text-style: bold; }
    & > .output-view--code-added { color: $text-success; }
    & > .output-view--code-removed { color: $text-error; }
    & > .output-view--cursor { color: $text-primary; text-style: bold; }
}
"""
MARKDOWN_LOOKS: dict[str, str] = {
    "markdown.h1": "heading",
    "markdown.h2": "heading",
    "markdown.h3": "heading",
    "markdown.h4": "heading",
    "markdown.h5": "heading",
    "markdown.h6": "heading",
    "markdown.h1.border": "heading",
    "markdown.code": "code",
    "markdown.code_block": "code",
    "markdown.block_quote": "quote",
    "markdown.list": "bullet",
    "markdown.item.bullet": "bullet",
    "markdown.item.number": "bullet",
    "markdown.link": "link",
    "markdown.link_url": "link",
    "markdown.hr": "turn-end",
    "markdown.table.border": "turn-end",
    "markdown.table.header": "heading",
    "markdown.code-keyword": "code-keyword",
    "markdown.code-string": "code-string",
    "markdown.code-comment": "code-comment",
    "markdown.code-number": "code-number",
    "markdown.code-name": "code-name",
    "markdown.code-added": "code-added",
    "markdown.code-removed": "code-removed",
}
"""Rich's names of styles, and the component class of the output each of them takes."""
