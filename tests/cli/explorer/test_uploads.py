"""Tables of the user: guesses, and hostile files after which the server still answers."""

import csv
import io
import threading

import numpy as np
import pytest

HEADER = "Params (M),training_tokens,final_loss\n"
ROWS = "".join(f"{10 * 2**i},{1e9 * 3**j},{4.0 - 0.2 * i - 0.1 * j:.3f}\n"
               for i in range(4) for j in range(3))  # fmt: skip
TABLE = (HEADER + ROWS).encode()


def upload(client, content, name="runs.csv"):
    return client.post("/api/table", params={"name": name}, content=content)


def assert_alive(client):
    assert client.get("/api/views").status_code == 200
    assert upload(client, TABLE).status_code == 200


def test_the_columns_are_guessed_with_their_units(client):
    found = upload(client, TABLE).json()
    assert found["rows"] == 12
    columns = {each["name"]: each for each in found["columns"]}
    assert {name: each["guess"] for name, each in columns.items()} == {
        "Params (M)": "num_params",
        "training_tokens": "num_tokens",
        "final_loss": "loss",
    }
    assert columns["Params (M)"]["factor"] == "million"
    assert columns["Params (M)"]["plausible"] == "10M to 80M, 4 values"
    assert columns["final_loss"]["sample"][0] == "4.000"
    assert found["laws"][0]["value"] == "chinchilla"
    assert any("multiplied by 1e+06" in each for each in found["problems"])
    assert not any("/tmp" in each for each in found["problems"])


def test_a_table_of_distilled_runs(client):
    header = "num_student_params,num_student_tokens,teacher_loss,loss\n"
    rows = "".join(f"{1e8 * 2**i},1e10,{2 + j / 10},{3 - i / 10 + j / 20}\n"
                   for i in range(4) for j in range(4))  # fmt: skip
    found = upload(client, (header + rows).encode()).json()
    assert [each["guess"] for each in found["columns"]] == header.strip().split(",")
    assert "distillation_limit" in [each["value"] for each in found["laws"]]


def test_a_parquet_table(client):
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    file = io.BytesIO()
    columns = {"params": [1e7, 1e8, 1e9], "tokens": [1e9, 1e10, 2e10], "loss": [3.5, 3.0, 2.5]}
    parquet.write_table(arrow.table(columns), file)
    found = upload(client, file.getvalue(), "runs.parquet").json()
    assert [each["guess"] for each in found["columns"]] == ["num_params", "num_tokens", "loss"]
    damaged = file.getvalue()[:-20]
    got = upload(client, damaged, "runs.parquet")
    assert got.status_code == 400
    assert "runs.parquet" in got.json()["error"]
    assert_alive(client)


MARKUP = "<img src=x onerror=alert(1)>"


def test_markup_stays_text(client):
    content = f'N,D,loss,"{MARKUP}"\n1e7,1e9,3.1,{MARKUP}\n2e7,2e9,3.0,\n3e7,3e9,2.9,\n'.encode()
    found = upload(client, content, f"{MARKUP}.csv")
    assert found.status_code == 200
    assert found.headers["content-type"] == "application/json"
    assert [each["name"] for each in found.json()["columns"]][-1] == MARKUP
    assert found.json()["columns"][-1]["sample"][0] == MARKUP


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (b"", "runs.csv", "runs.csv"),
        (b"\x00\x01\x02\xff" * 500, "runs.csv", "runs.csv"),
        (b"PAR1 and no table", "runs.parquet", "runs.parquet"),
        (b"not a zip", "runs.xlsx", "runs.xlsx"),
        (b"\x1f\x8b damaged", "runs.csv.gz", "gzip"),
        ("Größe;Verlust\n1;2\n".encode("utf-16")[1:], "runs.csv", "runs.csv"),
        (b"a,b\n1,2,3\n", "runs.csv", "row"),
        (b"[[[[[[[[", "runs.json", "runs.json"),
        (TABLE, "runs.exe", "expected a file of type"),
        (b"[" * 100_000, "runs.json", "runs.json"),
    ],
)
def test_a_bad_file_is_refused_with_place_and_remedy(client, content, name, said):
    got = upload(client, content, name)
    assert got.status_code == 400
    assert said in got.json()["error"]
    assert "Traceback" not in got.text
    assert_alive(client)


def test_a_table_in_another_encoding_is_read_or_refused(client):
    for encoding in ("latin-1", "utf-16", "cp1252", "utf-8-sig"):
        content = TABLE.decode().replace("final_loss", "loss é").encode(encoding)
        assert upload(client, content).status_code in (200, 400)
    assert_alive(client)


def test_100_megabytes_are_refused_early(client):
    class Body:
        """A body that counts what is read of it."""

        read = 0

        def __iter__(self):
            for _ in range(100):
                self.read += 1
                yield b"1,2,3\n" * (2**20 // 6)

    body = Body()
    got = upload(client, iter(body))
    assert got.status_code == 413
    assert "20 MiB" in got.json()["error"]
    got = client.post("/api/table", content=b"x", headers={"content-length": str(10**8)})
    assert got.status_code == 413
    assert_alive(client)


def test_a_thousand_columns_are_shown_and_many_more_refused(client):
    def wide(count):
        names = ["num_params", "num_tokens", "loss", *(f"c{i}" for i in range(count - 3))]
        file = io.StringIO()
        writer = csv.writer(file)
        writer.writerow(names)
        for size in (1e7, 1e8, 1e9, 3e9):
            writer.writerow([size, 1e10, 4 - np.log10(size) / 10, *range(count - 3)])
        return file.getvalue().encode()

    found = upload(client, wide(1000)).json()
    assert len(found["columns"]) == 1000
    assert {each["guess"] for each in found["columns"][:3]} == {"num_params", "num_tokens", "loss"}
    got = upload(client, wide(3000))
    assert got.status_code == 400
    assert "2,000" in got.json()["error"]
    assert_alive(client)


def test_names_cannot_leave_the_folder(client, session):
    for name in ("../../etc/passwd.csv", "/etc/passwd", "a/b/../c.csv", "", ".", "..", "\x00.csv",
                 "x" * 5000 + ".csv"):  # fmt: skip
        assert upload(client, TABLE, name).status_code in (200, 400)
    for each in session.uploads._tables.values():
        assert each.path.parent == session.uploads._folder
    assert_alive(client)


def test_two_tabs_do_not_mix(client, connect, token):
    other = connect(token)
    other.get("/", params={"token": token})
    first = upload(client, TABLE).json()
    second = upload(other, TABLE.replace(b"4.000", b"4.500")).json()
    assert first["table"] != second["table"]
    again = client.get("/api/table", params={"id": first["table"]}).json()
    assert again == first


def test_many_uploads_at_once(connect, token):
    found = []

    def send(index):
        own = connect(token)
        own.get("/", params={"token": token})
        found.append((index, upload(own, TABLE + f"{index + 1},1e9,3.0\n".encode()).json()))

    threads = [threading.Thread(target=send, args=(index,)) for index in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert {each["rows"] for _, each in found} == {13}
    assert len({each["table"] for _, each in found}) == 8


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"{}", b'{"table": 1, "columns": {}, "law": "chinchilla"}',
     b'{"table": "no", "columns": [], "law": "chinchilla"}',
     b'{"table": "no", "columns": {}, "law": "chinchilla", "draws": -1}',
     b'{"table": "no", "columns": {}, "law": "chinchilla", "draws": 1e9}',
     b'{"table": "no", "columns": {"a": 1}, "law": "chinchilla"}', b"\xff\xfe", b"[" * 100_000],
)  # fmt: skip
def test_a_bad_request_to_fit_is_refused(client, body):
    got = client.post("/api/fit", content=body)
    assert got.status_code == 400
    assert got.json()["error"]


def test_unknown_names_are_refused(client):
    for path in ("/api/job?id=no", "/api/table?id=no", "/api/download?law=fit:no&file=law",
                 "/api/download?law=../..&file=law", "/api/download"):  # fmt: skip
        got = client.get(path)
        assert got.status_code == 400
        assert got.json()["error"]
