"""One tab with the dashboard, as a test uses it, and what the browser said about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.seed import MASTER_KEY

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

DESKTOP: Final = {"width": 1280, "height": 800}
PHONE: Final = {"width": 390, "height": 844}
VIOLATIONS: Final = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.violations.push(`${event.violatedDirective} ${event.blockedURI}`);
});
"""
SERIOUS: Final = ("serious", "critical")


class Dashboard:
    """A tab. `calls` are the requests to the admin API so far, by method and path."""

    def __init__(self, browser: Any, url: str, pictures: Path, **options: Any) -> None:
        self.url = url
        self.calls: list[str] = []
        self.answers: list[Any] = []
        self.said: list[str] = []
        self._foreign: list[str] = []
        self._pictures = pictures
        self._context = browser.new_context(**({"viewport": DESKTOP, "accept_downloads": True} | options))
        self._context.add_init_script(VIOLATIONS)
        self.page = self._context.new_page()
        self.page.set_default_timeout(20_000)
        self.page.on("request", self._asked)
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("console", self._logged)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self.picture("failed")
        violations = self.page.evaluate("window.violations ?? []")
        self._context.close()
        if kind is None:
            found = [*self._foreign, *violations, *self.said]
            assert not found, found

    def _logged(self, message: Any) -> None:
        if message.type == "error":
            self.said.append(message.text)

    def _asked(self, request: Any) -> None:
        address = urlsplit(request.url)
        if address.scheme in {"data", "blob"}:
            return
        if not request.url.startswith(self.url):
            self._foreign.append(request.url)
        elif not address.path.startswith("/ui"):
            self.calls.append(f"{request.method} {address.path}")
            assert "sk-" not in request.url, "a key in an address"

    def open(self, view: str = "") -> None:
        """Open the page at a view."""
        self.page.goto(f"{self.url}/ui#/{view}")

    def sign_in(self, key: str = MASTER_KEY, view: str = "") -> None:
        """Sign in, at a view."""
        self.open(view)
        self.page.get_by_label("Master key or admin key").fill(key)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.get_by_role("navigation").wait_for()

    def show(self, view: str) -> None:
        """Go to a view, by its link, and wait for what it loads."""
        link = self.page.get_by_role("navigation").get_by_role("link", name=view, exact=True)
        link.click()
        expect(link).to_have_attribute("aria-current", "page")
        self.settled()

    def settled(self) -> None:
        """Wait until nothing is loading."""
        self.page.locator("main h1").first.wait_for()
        expect(self.page.locator("[aria-busy=true], .loading, .chart:not(:has(canvas))")).to_have_count(0)

    def row(self, text: str) -> Any:
        """The first row of a table with a text."""
        return self.page.locator("tbody tr", has_text=text).first

    def act(self, button: str, fields: dict[str, str], confirm: str) -> None:
        """Press a button that is there, fill in the dialog that it opens, and confirm."""
        self.page.get_by_role("button", name=button, exact=True).first.click()
        dialog = self.page.get_by_role("dialog")
        for label, value in fields.items():
            field = dialog.get_by_label(label)
            if field.evaluate("element => element.tagName") == "SELECT":
                field.select_option(value)
            else:
                field.fill(value)
        dialog.get_by_role("button", name=confirm, exact=True).click()

    def notice(self) -> str:
        """What was said last at the bottom of the page; it is dismissed."""
        notice = self.page.locator(".notice").last
        text = str(notice.locator("span").inner_text())
        notice.get_by_role("button", name="Dismiss").click()
        notice.wait_for(state="detached")
        return text

    def findings(self) -> list[str]:
        """What axe finds that is serious or critical."""
        found = Axe().run(self.page).response["violations"]
        return [
            f"{each['id']}: {node['html'][:200]} {node['failureSummary']}"
            for each in found
            if each["impact"] in SERIOUS
            for node in each["nodes"]
        ]

    def picture(self, name: str) -> None:
        """Keep a picture of the window."""
        self._pictures.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=self._pictures / f"{name}.png")
