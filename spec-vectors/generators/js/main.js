// Makes and judges macaroons with the npm package "macaroon". Reads and writes the lines that ../foreign.py describes.
"use strict";

const fs = require("node:fs");
const macaroon = require("macaroon");

const { version } = require("macaroon/package.json");

const bytes = (text) => new Uint8Array(Buffer.from(text, "hex"));
const hex = (data) => Buffer.from(data).toString("hex");

/** The result of a step, or "-" where the package refuses it. */
function attempt(step) {
  try {
    return hex(step());
  } catch {
    return "-";
  }
}

function mint(rootKey, location, identifier, caveats, format) {
  // Locations are strings here; one that is no UTF-8 cannot be written.
  const text = new TextDecoder("utf-8", { fatal: true }).decode(location);
  const token = macaroon.newMacaroon({ version: format, rootKey, identifier, location: text });
  caveats.forEach((caveat) => token.addFirstPartyCaveat(caveat));
  return token.exportBinary();
}

function attenuate(data, caveat) {
  const token = macaroon.importMacaroon(data);
  token.addFirstPartyCaveat(caveat);
  return token.exportBinary();
}

function verify(rootKey, data) {
  if (data.length > 0 && data[0] !== 2) {
    return "unsupported"; // it writes and reads V1 as JSON only
  }
  let token;
  try {
    token = macaroon.importMacaroon(data);
  } catch {
    return "malformed";
  }
  if (token.caveats.some((caveat) => caveat.vid)) {
    return "third-party";
  }
  try {
    token.verify(rootKey, () => null, []);
    return "authentic";
  } catch {
    return "forged";
  }
}

const answers = {
  make: ([root, location, identifier, ...caveats]) =>
    [2, 1].map((format) => attempt(() => mint(root, location, identifier, caveats, format))),
  attenuate: ([data, caveat]) => [attempt(() => attenuate(data, caveat))],
  verify: ([root, data]) => [verify(root, data)],
};

const out = [`implementation\tjs-macaroon ${version}`];
for (const line of fs.readFileSync(0, "utf8").split("\n").filter(Boolean)) {
  const [operation, name, ...given] = line.split("\t");
  out.push([operation, name, ...answers[operation](given.map(bytes))].join("\t"));
}
console.log(out.join("\n"));
