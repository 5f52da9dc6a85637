import js from "@eslint/js";
import hooks from "eslint-plugin-react-hooks";
import tseslint from "typescript-eslint";

const FEATURES = ["budget", "pictures", "styles", "params", "runs"];

/** Imports that a folder may not have: the arrows are shared -> features -> app. */
const forbid = (files, patterns) => ({
  files: [files],
  rules: { "no-restricted-imports": ["error", { patterns }] },
});
const UP = { group: ["../../*"], message: "Import across folders by @/..." };
const APP = { group: ["@/app/*", "@/app"], message: "Features and shared code do not know the app." };

export default tseslint.config(
  { ignores: ["dist", ".again", "src/shared/api/contract.ts"] },
  js.configs.recommended,
  tseslint.configs.strictTypeChecked,
  tseslint.configs.stylisticTypeChecked,
  hooks.configs.flat["recommended-latest"],
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      eqeqeq: "error",
      "no-console": "error",
      "no-restricted-syntax": [
        "error",
        { selector: "JSXAttribute[name.name='dangerouslySetInnerHTML']", message: "Nothing that is said here can become markup." },
        { selector: "ExportAllDeclaration", message: "No barrels: import from where it is." },
      ],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/only-throw-error": "off", // a signal's reason is thrown as it is
    },
  },
  forbid("src/shared/**", [UP, APP, { group: ["@/features/*"], message: "Shared code knows no feature." }]),
  ...FEATURES.map((name) =>
    forbid(`src/features/${name}/**`, [
      UP,
      APP,
      { group: FEATURES.filter((other) => other !== name).map((other) => `@/features/${other}/*`), message: "Features meet in the app." },
    ]),
  ),
  { files: ["**/*.js"], ...tseslint.configs.disableTypeChecked },
  { files: ["scripts/*.mjs"], ...tseslint.configs.disableTypeChecked, rules: { ...tseslint.configs.disableTypeChecked.rules, "no-console": "off" }, languageOptions: { parserOptions: { projectService: false }, globals: { console: "readonly", process: "readonly", URL: "readonly" } } },
);
