// A pool as `pgStorage` takes it, whose database is in the parent process.

let last = 0;
const waiting = new Map();

process.on('message', ({ id, rows, error }) => {
  const asked = waiting.get(id);
  waiting.delete(id);
  if (error === undefined) asked?.resolve({ rows });
  else asked?.reject(Object.assign(new Error(error.message), { code: error.code }));
});

function ask(request) {
  last += 1;
  const id = last;
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject });
    process.send({ kind: 'sql', id, ...request });
  });
}

export const remotePool = {
  async connect() {
    last += 1;
    const lease = last;
    await ask({ what: 'connect', lease });
    return {
      query: (text, values) => ask({ what: 'query', lease, text, values }),
      release: (error) => void ask({ what: 'release', lease, isBroken: Boolean(error) }),
    };
  },
};
