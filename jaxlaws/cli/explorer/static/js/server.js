// Requests to the server. One answer is computed at a time, and only the newest wish is kept.

export class ServerError extends Error {
  constructor(message, status) {
    super(message);
    this.status = status; // 0: the server does not answer
  }
}

const GONE = "The server does not answer.";

export async function load(url, options = {}) {
  let response;
  try {
    response = await fetch(url, { ...options, credentials: "same-origin", cache: "no-store" });
  } catch {
    throw new ServerError(GONE, 0); // also when the page has stopped the request
  }
  let body;
  try {
    body = await response.json();
  } catch {
    throw new ServerError(`The server answered with status ${response.status} and no text.`, response.status);
  }
  if (!response.ok) throw new ServerError(body.error || `Status ${response.status}`, response.status);
  return body;
}

const PATIENCE = 3000; // milliseconds after which a newer wish stops the request before it

// Runs one request at a time. While it runs, a newer wish replaces an older one that waits.
export class NewestOnly {
  constructor(run, show, fail) {
    Object.assign(this, { run, show, fail, waiting: null, running: null });
  }

  want(wish) {
    this.waiting = wish;
    if (!this.running) this.next();
    else if (performance.now() - this.begin > PATIENCE) this.running.abort();
  }

  // Drops what waits and the answer that is on its way.
  forget() {
    this.waiting = null;
    this.running?.abort();
  }

  async next() {
    while (this.waiting !== null) {
      const [wish, request] = [this.waiting, new AbortController()];
      Object.assign(this, { waiting: null, running: request, begin: performance.now() });
      try {
        const answer = await this.run(wish, request.signal);
        if (!request.signal.aborted) this.show(wish, answer);
      } catch (error) {
        if (!request.signal.aborted) this.fail(wish, error);
      }
    }
    this.running = null;
  }
}

// Tells the page when the server has gone and when it is back.
export class Connection {
  constructor(banner, back) {
    Object.assign(this, { banner, back, lost: false });
  }

  failed(error) {
    if (error.status === 401 || error.status === 403) {
      this.say(`${error.message} Open the address that \`jaxlaws explore\` printed.`);
    } else if (error.status === 0 && !this.lost) {
      this.lost = true;
      this.say(`${GONE} Start it again with \`jaxlaws explore\`. This page tries again every 2 seconds.`);
      this.retry();
    }
  }

  say(text) {
    this.banner.textContent = text;
    this.banner.hidden = !text;
  }

  retry() {
    setTimeout(async () => {
      try {
        await load("/api/views");
      } catch (error) {
        if (error.status === 0) return this.retry();
        this.lost = false;
        return this.failed(error);
      }
      this.lost = false;
      this.say("");
      return this.back();
    }, 2000);
  }
}
