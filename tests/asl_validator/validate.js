// Reads a JSON array of definitions from stdin; writes for each what asl-validator finds wrong
// with it ([] when nothing).
"use strict";

// asl-validator makes an Ajv for each definition and compiles its schemas anew, which takes most
// of the time; one for all finds the same.
const ajv = require("ajv");
const Ajv = ajv.default;
let shared;
ajv.default = function (options) {
  if (shared) {
    shared.addKeyword = () => shared; // the keywords are there since the first definition
  } else {
    shared = new Ajv(options);
  }
  return shared;
};

const validate = require("asl-validator");

const definitions = JSON.parse(require("fs").readFileSync(0, "utf8"));
const found = definitions.map((definition) => {
  const { errors } = validate(definition);
  return errors.map((error) => `${error["Error code"]}: ${error.Message}`);
});
process.stdout.write(JSON.stringify(found));
