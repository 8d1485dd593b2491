// Runs the vectors on wasm32 in Node: node run.mjs <module>. Fails when a case does, or is not run.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

const vectors = new URL("../../../spec-vectors/", import.meta.url).pathname;
const files = readdirSync(vectors, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .flatMap(({ name }) => readdirSync(join(vectors, name)).map((file) => join(vectors, name, file)))
  .filter((file) => file.endsWith(".json"));
const cases = files.reduce((sum, file) => sum + JSON.parse(readFileSync(file, "utf8")).cases.length, 0);

const { instance } = await WebAssembly.instantiate(readFileSync(process.argv[2]), {});
const { memory, run, text } = instance.exports;
const length = run();
const report = new TextDecoder().decode(new Uint8Array(memory.buffer, text(), length));
process.stdout.write(`${cases} cases\nwasm32, Node ${process.versions.node}: ${report}`);
process.exitCode = report.endsWith(`passed ${cases}, failed 0, left out 0\n`) ? 0 : 1;
