/** Integration tests talk to real servers on a machine that may be busy: they get a minute each. */
jest.setTimeout(60_000);
