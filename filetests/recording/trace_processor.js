// Asks Perfetto's trace processor about a trace: node trace_processor.js UI_FOLDER TRACE < QUERIES
//
// UI_FOLDER is a version's folder of Perfetto's user interface, with the trace processor as WebAssembly and the script of the worker that runs it.
// QUERIES is a JSON array of SQL texts. Written is a JSON object: `error`, what the trace processor says of the trace (null: nothing), and
// `answers`, for each query its `rows` or its `error`.
//
// The worker is spoken to as the user interface does: a stream of TraceProcessorRpcStream, of Perfetto's public trace_processor.proto.

"use strict";

const fs = require("fs");
const path = require("path");

/** Fields of TraceProcessorRpcStream, TraceProcessorRpc, AppendTraceDataResult, QueryArgs, QueryResult and its CellsBatch. */
const STREAM = { message: 1 };
const RPC = { sequence: 1, fatalError: 5, request: 2, appendData: 101, query: 103, appended: 201, answer: 203, finalized: 211 };
const APPENDED = { error: 2 };
const FINALIZED = { error: 1 };
const QUERY = { sql: 1 };
const ANSWER = { columns: 1, error: 2, batch: 3 };
const BATCH = { kinds: 1, integers: 2, floats: 3, blobs: 4, texts: 5 };
const METHOD = { append: 1, finalize: 2, query: 3 };
const CELL = { none: 1, integer: 2, float: 3, text: 4, blob: 5 };

/** What one message of the stream brings at most. */
const PIECE = 16 << 20;

function varint(value) {
  const bytes = [];
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
  return Buffer.from([...bytes, value]);
}

const number = (field, value) => Buffer.concat([varint(field * 8), varint(value)]);
const bytes = (field, value) => Buffer.concat([varint(field * 8 + 2), varint(value.length), value]);

/** Reads a varint: its value as a signed number of 64 bits, and where the next byte is. */
function readVarint(buffer, at) {
  let value = 0n;
  for (let shift = 0n; ; shift += 7n, at++) {
    if (at >= buffer.length) throw new Error("a varint is cut");
    value |= BigInt(buffer[at] & 127) << shift;
    if (buffer[at] < 128) return [BigInt.asIntN(64, value), at + 1];
  }
}

/** The fields of a message: pairs of number and value, which is a bigint, or bytes. */
function* fields(buffer) {
  for (let at = 0; at < buffer.length; ) {
    let tag, value;
    [tag, at] = readVarint(buffer, at);
    const kind = Number(tag & 7n);
    if (kind === 0) [value, at] = readVarint(buffer, at);
    else {
      let length = kind === 1 ? 8n : 4n;
      if (kind === 2) [length, at] = readVarint(buffer, at);
      value = buffer.subarray(at, at + Number(length));
      at += Number(length);
    }
    yield [Number(tag >> 3n), value];
  }
}

const all = (buffer, field) => [...fields(buffer)].filter(([number]) => number === field).map(([, value]) => value);
const text = (buffer, field) => all(buffer, field).map(String)[0] || null;

/** Numbers of a packed field. */
function packed(buffer) {
  const values = [];
  for (let at = 0, value; at < buffer.length; values.push(value)) [value, at] = readVarint(buffer, at);
  return values;
}

const floats = (buffer) => Array.from({ length: buffer.length / 8 }, (_, index) => buffer.readDoubleLE(index * 8));

/** The cells of a batch, in their order. Each kind's values stand together. Integers above 2^53 lose digits. */
function cells(batch) {
  const queues = {
    [CELL.integer]: all(batch, BATCH.integers).flatMap(packed).map(Number),
    [CELL.float]: all(batch, BATCH.floats).flatMap(floats),
    [CELL.text]: all(batch, BATCH.texts).flatMap((joined) => joined.toString().split("\0")),
    [CELL.blob]: all(batch, BATCH.blobs).map((blob) => blob.toString("hex")),
  };
  const kinds = all(batch, BATCH.kinds).flatMap((value) => (typeof value === "bigint" ? [value] : packed(value)));
  return kinds.map(Number).map((kind) => (kind === CELL.none ? null : queues[kind].shift()));
}

/** The trace processor: a function that takes bytes of the stream, and hands each answer's bytes to `receive` before it returns. */
async function start(folder, receive) {
  // What the script of a worker asks of a browser. Where it finds `process` it takes itself to be in Node and stops.
  const worker = { location: { href: "file:///engine_bundle.js" } };
  class Request {
    open(_method, address) {
      this.file = path.join(folder, path.basename(address));
    }
    send() {
      this.response = fs.readFileSync(this.file);
    }
  }
  // It reports its progress, which is of no interest here.
  const silent = { log() {}, warn() {}, error: console.error };
  const script = fs.readFileSync(path.join(folder, "engine_bundle.js"), "utf8");
  const names = ["self", "WorkerGlobalScope", "XMLHttpRequest", "console", "process"];
  new Function(...names, script)(worker, class {}, Request, silent, undefined);
  const port = { postMessage: receive };
  worker.onmessage({ data: port });
  // The module is ready some promises later.
  await new Promise((resolve) => setTimeout(resolve, 0));
  return (data) => port.onmessage({ data: new Uint8Array(data) });
}

/** Requests and answers, in turn. */
class Conversation {
  constructor() {
    this.sequence = 0;
    this.answers = [];
  }

  receive(data) {
    for (const message of all(Buffer.from(data), STREAM.message)) {
      const error = text(message, RPC.fatalError);
      if (error) throw new Error(`the trace processor gives up: ${error}`);
      this.answers.push(message);
    }
  }

  ask(method, ...parts) {
    const message = Buffer.concat([number(RPC.sequence, ++this.sequence), number(RPC.request, method), ...parts]);
    this.answers = [];
    this.send(bytes(STREAM.message, message));
    if (this.answers.length === 0) throw new Error(`no answer to request ${this.sequence}`);
    return this.answers;
  }

  /** Loads a trace; what is wrong with it. */
  load(trace) {
    for (let at = 0; at < trace.length; at += PIECE) {
      const answers = this.ask(METHOD.append, bytes(RPC.appendData, trace.subarray(at, at + PIECE)));
      const error = answers.flatMap((answer) => all(answer, RPC.appended)).map((result) => text(result, APPENDED.error));
      if (error.some(Boolean)) return error.find(Boolean);
    }
    const answers = this.ask(METHOD.finalize);
    const error = answers.flatMap((answer) => all(answer, RPC.finalized)).map((result) => text(result, FINALIZED.error));
    return error.find(Boolean) || null;
  }

  query(sql) {
    const answers = this.ask(METHOD.query, bytes(RPC.query, bytes(QUERY.sql, Buffer.from(sql))));
    const results = answers.flatMap((answer) => all(answer, RPC.answer));
    const error = results.map((result) => text(result, ANSWER.error)).find(Boolean);
    if (error) return { error };
    const columns = results.flatMap((result) => all(result, ANSWER.columns)).length;
    const values = results.flatMap((result) => all(result, ANSWER.batch)).flatMap(cells);
    const rows = [];
    for (let at = 0; at < values.length; at += columns) rows.push(values.slice(at, at + columns));
    return { rows };
  }
}

async function main() {
  const [folder, file] = process.argv.slice(2);
  const queries = JSON.parse(fs.readFileSync(0, "utf8"));
  const conversation = new Conversation();
  conversation.send = await start(folder, (data) => conversation.receive(data));
  const error = conversation.load(fs.readFileSync(file));
  const answers = queries.map((sql) => conversation.query(sql));
  console.log(JSON.stringify({ error, answers }));
}

main();
