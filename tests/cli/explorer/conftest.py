"""A server without a browser: the laws of the package, and a client that has the token."""

import pytest
from starlette.testclient import TestClient

from jaxlaws.cli.explorer.laws import Laws
from jaxlaws.cli.explorer.server import Session, application

ADDRESS = "http://127.0.0.1:8000"


@pytest.fixture(scope="session")
def token():
    return "a-token-of-the-tests"


@pytest.fixture(scope="module")
def session():
    found = Session(Laws())
    yield found
    found.close()


@pytest.fixture
def connect(session):
    """Make a client without a token, of a server with a token."""

    def connected(token):
        app = application(session, token)
        return TestClient(app, base_url=ADDRESS, follow_redirects=False)

    return connected


@pytest.fixture
def stranger(connect, token):
    """A client without the token."""
    return connect(token)


@pytest.fixture
def client(connect, token):
    """A client that has opened the address with the token."""
    found = connect(token)
    assert found.get("/", params={"token": token}).status_code == 303
    return found
