// Reads a JSON array of definitions from stdin; writes for each what asl-validator finds wrong
// with it ([] when nothing).
"use strict";

const validate = require("asl-validator");

const definitions = JSON.parse(require("fs").readFileSync(0, "utf8"));
const found = definitions.map((definition) => {
  const { errors } = validate(definition);
  return errors.map((error) => `${error["Error code"]}: ${error.Message}`);
});
process.stdout.write(JSON.stringify(found));
