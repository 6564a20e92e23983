// Loaded by the kill campaign before a broker (`node --import`), never by the broker itself.
// The parent arms a point over IPC: { point, hits }. The process then kills itself with SIGKILL the
// nth time that it is reached; what comes after the point never happens.
const libs = new URL('../../libs/', import.meta.url);
const load = (path) => import(new URL(path, libs).href);

let armed = '';
let left = 0;
process.on('message', ({ point, hits }) => {
  armed = point;
  left = hits;
});
process.channel?.unref();

function reached(point) {
  if (point !== armed) return;
  left -= 1;
  if (left > 0) return;
  process.kill(process.pid, 'SIGKILL');
  // The signal may take a moment, and nothing may happen in it.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

/** Where a file belongs, by its path. */
function roomOf(path) {
  if (path.includes('commitlog')) return 'log';
  if (path.includes('consumequeue')) return 'queue';
  if (path.endsWith('checkpoint')) return 'checkpoint';
  return path.includes('config') ? 'config' : 'other';
}

const { nodeFileSystem, Turn } = await load('foundation/dist/index.js');
const { CommitLog } = await load('store/dist/commit-log/commit-log.js');

const { open, rename, writeText } = nodeFileSystem;
nodeFileSystem.open = (path, mode) => {
  const handle = open(path, mode);
  const room = roomOf(path);
  const writeAt = handle.writeAt.bind(handle);
  const sync = handle.sync.bind(handle);
  const truncate = handle.truncate.bind(handle);
  handle.writeAt = (from, at, length, position) => {
    reached(`${room}.beforeWrite`);
    if (armed === `${room}.midWrite`) {
      const part = Math.floor(length / 2);
      if (left === 1) writeAt(from, at, part, position);
      reached(`${room}.midWrite`);
    }
    writeAt(from, at, length, position);
    reached(`${room}.afterWrite`);
  };
  handle.sync = async () => {
    reached(`${room}.beforeSync`);
    await sync();
    reached(`${room}.afterSync`);
  };
  handle.truncate = (size) => {
    reached(`${room}.beforeTruncate`);
    truncate(size);
    reached(`${room}.afterTruncate`);
  };
  return handle;
};
nodeFileSystem.rename = (from, to) => {
  reached(`${roomOf(to)}.beforeRename`);
  rename(from, to);
  reached(`${roomOf(to)}.afterRename`);
};
nodeFileSystem.writeText = (path, text) => {
  reached(`${roomOf(path)}.beforeText`);
  if (armed === `${roomOf(path)}.midText`) {
    if (left === 1) writeText(path, text.slice(0, text.length / 2));
    reached(`${roomOf(path)}.midText`);
  }
  writeText(path, text);
  reached(`${roomOf(path)}.afterText`);
};

const { end } = Turn.prototype;
Turn.prototype.end = function () {
  reached('turn.before');
  end.call(this);
  reached('turn.after');
};
const { addSegment } = CommitLog.prototype;
CommitLog.prototype.addSegment = function (start) {
  reached('roll.before');
  addSegment.call(this, start);
  reached('roll.after');
};
