"""What the list, the trace and the output have in common: lines drawn by themselves."""

from collections.abc import Callable
from typing import Any

from rich.style import Style
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollBar
from textual.strip import Strip
from textual.widget import Widget

from quarterdeck.tui.widgets.scroll_thumb import changed_rows, thumb


class LineView(ScrollView, can_focus=True):
    """A focusable line-API view that scrolls in one step, without animation."""

    DEFAULT_CSS = """
    LineView {
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-gutter: stable;
        scrollbar-size-vertical: 1;
        height: 1fr;
    }
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._looks: dict[tuple[str, ...], Style] = {}
        self._thumb = (0, 0)

    def scroll_to(
        self,
        x: float | None = None,
        y: float | None = None,
        *,
        animate: bool = True,
        speed: float | None = None,
        duration: float | None = None,
        easing: Any = None,
        force: bool = False,
        on_complete: Callable[..., Any] | None = None,
        level: Any = "basic",
        immediate: bool = False,
    ) -> None:
        """Scroll at once: every animated step would send the whole pane to the terminal."""
        super().scroll_to(
            x, y, animate=False, force=force, on_complete=on_complete, immediate=immediate
        )

    @property
    def line_width(self) -> int:
        """Cells of a line, the scroll bar left out."""
        return self.scrollable_content_region.width

    @property
    def top(self) -> int:
        """The line shown first."""
        return self.scroll_offset.y

    @property
    def page(self) -> int:
        """Lines on the screen."""
        return self.scrollable_content_region.height

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return lines of the view as they are on the screen.

        Textual would keep what it makes of a line by its place on the screen, so that each scroll
        makes all anew. Here it is kept by the strips, which a view gives out again wherever the
        line is; for that there must be nothing around the lines or laid over them.
        """
        if not self._is_bare:
            return super().render_lines(crop)
        base, background = self.background_colors
        cache = self._styles_cache
        blank = cache.get_inner_outer(base, background)[0].rich_style
        filters, size, width = self.get_line_filters(), self.size, self.outer_size.width
        kept = cache._cache  # the one that is emptied whenever the styles change
        strips: list[Strip] = []
        for y in crop.line_range:
            strip = None if cache.is_dirty(y) else kept.get(y)
            if strip is None or strip.cell_length != width:
                strip = self.painted_line(y) if y < size.height else Strip.blank(width, blank)
                # A line is never wider than the lines' own place; right of it is padding.
                strip = strip.adjust_cell_length(size.width, blank)
                kept[y] = strip = strip.adjust_cell_length(width, blank)
            for line_filter in filters:
                strip = strip.apply_filter(line_filter, background)
            strips.append(strip)
        cache._dirty_lines.difference_update(crop.line_range)
        if crop.column_span != (0, width):
            strips = [strip.crop(*crop.column_span) for strip in strips]
        return strips

    def painted_line(self, y: int) -> Strip:
        """Return one line of the screen as it is painted; each view draws its own."""
        raise NotImplementedError

    def render_line(self, y: int) -> Strip:
        """Return one line of the screen as Textual asks for it."""
        return self.painted_line(y)

    @property
    def _is_bare(self) -> bool:
        """Whether a line on the screen is the line drawn, blanks after it and no more."""
        styles = self.styles
        gutter = styles.gutter
        return (
            not (gutter.top or gutter.left)
            and gutter == styles.padding
            and not styles.has_any_rules("hatch", "outline_top", "outline_left", "text_opacity")
            and not styles.tint.a
            and self.opacity == 1.0
        )

    def set_line_count(self, count: int) -> None:
        """Set how many lines there are; of the screen only the scroll bar may change by that.

        Textual lays the whole screen out anew when a virtual size changes, and repaints the
        pane. That is needed only when the scroll bar comes or goes.
        """
        if count == self.virtual_size.height:
            return
        size = Size(self.virtual_size.width, count)
        if (count > self.page) != self.show_vertical_scrollbar:
            self.virtual_size = size
            return
        self.set_reactive(Widget.virtual_size, size)  # pyright: ignore[reportArgumentType]
        if not self.show_vertical_scrollbar:
            return
        self.vertical_scrollbar.set_reactive(ScrollBar.window_virtual_size, count)
        if self.top > self.max_scroll_y:
            self.scroll_to(y=self.max_scroll_y, force=True)
        self._refresh_bar()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Repaint the lines, and of the scroll bar only what looks different."""
        if self.show_vertical_scrollbar:
            self.vertical_scrollbar.set_reactive(ScrollBar.position, new_value)
            self._refresh_bar()
        if round(old_value) != round(new_value):
            self.refresh_page()

    def _refresh_bar(self) -> None:
        """Repaint of the scroll bar what its thumb left or came to."""
        bar = self.vertical_scrollbar
        rows = bar.size.height
        before = self._thumb
        self._thumb = thumb(rows, self.virtual_size.height, self.page, self.top)
        for first, end in changed_rows(before, self._thumb):
            bar.refresh(Region(0, first, bar.size.width, min(end, rows) - first))

    def refresh_page(self) -> None:
        """Repaint all lines on the screen, and not the scroll bar: it repaints itself."""
        self.refresh(Region(0, 0, self.line_width, self.page))

    def refresh_span(self, first: int, end: int) -> None:
        """Repaint the lines `first` to before `end`, those of them that are on the screen."""
        first, end = max(first, self.top), min(end, self.top + self.page)
        if first < end:
            self.refresh(Region(0, first - self.top, self.line_width, end - first))

    def bring_into_view(self, line: int) -> None:
        """Scroll no farther than needed to show `line`."""
        if self.page <= 0:
            return
        if line < self.top:
            self.scroll_to(y=line, force=True)
        elif line >= self.top + self.page:
            self.scroll_to(y=line - self.page + 1, force=True)

    def tell(self, message: Message) -> None:
        """Post a message in this view's own name.

        Textual takes whoever runs for the sender and keeps a message from a sender's parents;
        what a fetch brings runs in the name of the screen.
        """
        self.post_message(message.set_sender(self))

    def look(self, *names: str) -> Style:
        """Return the style of component classes, later ones laid over earlier ones."""
        style = self._looks.get(names)
        if style is None:
            style = self.get_visual_style(*names).rich_style
            # Textual leaves `reverse` out, the one sign of a cursor that needs no colour.
            if any(self.get_component_styles(name).text_style.reverse for name in names):
                style += Style(reverse=True)
            self._looks[names] = style
        return style

    def look_over(self, name: str) -> Style:
        """Return the style of a component class alone, to be laid over another style."""
        style = self._looks.get(("", name))
        if style is None:
            style = self.get_component_rich_style(name, partial=True)
            self._looks["", name] = style
        return style

    def notify_style_update(self) -> None:
        """Forget styles when the theme, a focus or a style sheet changed them."""
        super().notify_style_update()
        self._looks.clear()
