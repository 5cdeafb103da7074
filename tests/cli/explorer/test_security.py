"""Who may use the server: the token once, then a cookie; this machine's names only."""

import pytest

PATHS = ["/", "/api/views", "/api/answer?view=supervised", "/static/index.html", "/api/job?id=x"]


@pytest.mark.parametrize("path", PATHS)
def test_nothing_is_served_without_the_token(stranger, path):
    assert stranger.get(path).status_code == 401
    assert "jaxlaws explore" in stranger.get(path).json()["error"]
    assert stranger.post("/api/table?name=a.csv", content=b"a,b\n1,2\n").status_code == 401


@pytest.mark.parametrize("wrong", ["", "wrong", "{:.5}", "{}x", "é", "{} "])
def test_a_wrong_token_gets_no_cookie(stranger, token, wrong):
    answer = stranger.get("/", params={"token": wrong.format(token)})
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers


def test_the_token_becomes_a_cookie_that_scripts_and_other_sites_cannot_use(stranger, token):
    answer = stranger.get("/", params={"token": token, "view": "split", "flops": "1e22"})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/?view=split&flops=1e22"
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert stranger.get("/api/views").status_code == 200


LINK = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}


def test_a_link_of_another_site_opens_the_page_with_the_cookie_from_this_site(stranger, token):
    # A browser sends no strict cookie with a redirection after a link of another site.
    query = {"token": token, "view": "split", "x": '"><b>'}
    answer = stranger.get("/", params=query, headers=LINK)
    assert answer.status_code == 200
    assert 'content="0; url=/?view=split&amp;x=%22%3E%3Cb%3E"' in answer.text
    assert token not in answer.text
    assert "samesite=strict" in answer.headers["set-cookie"].lower()
    assert stranger.get("/api/views").status_code == 200


def test_a_link_of_another_site_gives_nothing_else(stranger, token):
    answer = stranger.get("/", params={"token": f"{token}x"}, headers=LINK)
    assert answer.status_code == 401
    answer = stranger.get("/", headers=LINK)
    assert "set-cookie" not in answer.headers
    assert "<script" not in answer.text
    assert stranger.get("/").status_code == 401
    for path in PATHS[1:]:
        assert stranger.get(path, headers=LINK).status_code == 401
    assert stranger.post("/", headers=LINK).status_code == 401


def test_the_token_counts_only_on_the_page(stranger, token):
    assert stranger.get("/api/views", params={"token": token}).status_code == 401


@pytest.mark.parametrize("host", ["evil.example:8000", "evil.example", "", "127.0.0.1.evil:8000"])
def test_another_host_is_refused_with_the_cookie_and_with_the_token(client, stranger, token, host):
    headers = {"host": host}
    assert client.get("/api/views", headers=headers).status_code == 403
    assert stranger.get("/", params={"token": token}, headers=headers).status_code == 403


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:8000", "localhost:9999"])
def test_the_names_of_this_machine_are_served(client, host):
    cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    assert client.get("/api/views", headers={"host": host, "cookie": cookie}).status_code == 200


def test_another_origin_is_refused(client):
    headers = {"origin": "http://evil.example"}
    assert client.post("/api/fit", content=b"{}", headers=headers).status_code == 403
    headers = {"origin": "http://127.0.0.1:8000"}
    assert client.post("/api/fit", content=b"{}", headers=headers).status_code == 400


@pytest.mark.parametrize("path", ["/api/views", "/nothing", "/api/answer?view=no"])
def test_every_answer_has_the_headers_of_security(client, stranger, path):
    for answer in (client.get(path), stranger.get(path)):
        assert answer.headers["content-security-policy"].startswith("default-src 'self'")
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_cookie_of_one_server_is_not_that_of_another(connect, client):
    other = connect("another-token")
    other.cookies.update(client.cookies)
    assert other.get("/api/views").status_code == 401


def test_files_outside_the_static_folder_are_not_served(client):
    for path in ("/static/../server.py", "/static/%2e%2e/server.py", "/static//etc/passwd"):
        assert client.get(path).status_code in (404, 405)
