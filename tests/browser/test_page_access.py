"""Who may use the server, and what many requests do to it."""

import http.client

import pytest


def ask(explorer, path, **headers):
    connection = http.client.HTTPConnection(explorer.origin.removeprefix("http://"), timeout=30)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read().decode()
    finally:
        connection.close()


def cookie(explorer):
    status, headers, _ = ask(explorer, f"/?token={explorer.token}&view=history")
    assert status in (302, 303, 307)
    return headers


def test_the_token_becomes_a_cookie_and_leaves_the_address(explorer):
    headers = cookie(explorer)
    assert headers["location"] == "/?view=history"
    text = headers["set-cookie"].lower()
    assert "httponly" in text
    assert "samesite=strict" in text


@pytest.mark.parametrize("path", ["/", "/api/views", "/api/answer?view=history", "/?token=wrong"])
def test_without_the_token_nothing_is_answered(explorer, path):
    status, _, text = ask(explorer, path)
    assert status in (401, 403)
    assert "token" in text
    assert explorer.token not in text


@pytest.mark.parametrize("path", ["/", "/api/views", "/?token={token}"])
@pytest.mark.parametrize("host", ["example.com", "127.0.0.1.example.com:80", ""])
def test_another_host_is_refused_even_with_the_token(explorer, path, host):
    ticket = cookie(explorer)["set-cookie"].split(";")[0]
    status, _, _ = ask(explorer, path.format(token=explorer.token), Host=host, Cookie=ticket)
    assert status in (400, 403)


def test_each_answer_forbids_foreign_content_and_storage(explorer):
    ticket = cookie(explorer)["set-cookie"].split(";")[0]
    for path in ("/", "/api/views", "/static/js/main.js", "/favicon.ico", "/nothing"):
        _, headers, _ = ask(explorer, path, Cookie=ticket)
        assert "default-src 'self'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["cache-control"] == "no-store"


def test_a_link_of_another_site_opens_the_page(browser, explorer):
    context = browser.new_context()
    page = context.new_page()
    page.set_content(f'<a href="{explorer.origin}/?token={explorer.token}&view=history">open</a>')
    page.click("a")
    page.wait_for_selector("#views a[aria-current=page]")
    assert page.url.startswith(f"{explorer.origin}/?view=history")
    page.goto("about:blank")
    page.set_content(f'<a href="{explorer.origin}/?view=split">open</a>')
    page.click("a")  # the cookie is there now
    page.wait_for_selector("#views a[data-view=split][aria-current=page]")
    context.close()


def test_a_page_without_the_token_says_what_to_do(browser, explorer):
    page = browser.new_page()
    page.goto(explorer.origin)
    assert "jaxlaws explore" in page.inner_text("body")
    page.close()


FAST_MOVES = """async () => {
  const sliders = [...document.querySelectorAll("#controls input[type=range]:not(:disabled)")];
  for (let move = 0; move < 200; move += 1) {
    const slider = sliders[move % sliders.length];
    slider.value = Math.round(Number(slider.max) * (0.2 + 0.6 * ((move * 0.618) % 1)));
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    if (move % 4 === 0) await new Promise((next) => setTimeout(next, 4));
  }
  for (const slider of sliders) slider.dispatchEvent(new Event("change", { bubbles: true }));
}"""


@pytest.mark.parametrize("view", ["strategies", "supervised"])
def test_two_hundred_fast_moves_end_with_the_answer_to_the_last_one(visit, view):
    page = visit(f"view={view}")
    asked = []
    page.on("request", lambda request: "/api/answer" in request.url and asked.append(request.url))
    page.evaluate(FAST_MOVES)
    page.wait_for_selector("body:not(.busy)")
    assert 2 <= len(asked) < 150  # moves that came while an answer was computed are dropped
    last = page.inner_text("#sentence")
    assert page.get_attribute("body", "data-drawn") == asked[-1].split("?")[1]
    assert visit(asked[-1].split("?")[1]).inner_text("#sentence") == last


def test_two_tabs_do_not_mix(visit):
    one = visit("view=supervised")
    two = visit("view=supervised", context=one.context)
    first = one.inner_text("#sentence")
    slider = two.locator("#controls input[type=range]").first
    slider.press("End")
    two.wait_for_selector("body:not(.busy)")
    assert two.inner_text("#sentence") != first
    one.reload()
    one.wait_for_selector("body:not(.busy)")
    assert one.inner_text("#sentence") == first
