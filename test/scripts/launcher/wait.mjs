// Stays until it is ended.
setInterval(() => undefined, 60_000);
