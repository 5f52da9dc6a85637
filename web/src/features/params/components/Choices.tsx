import { useId } from "react";

interface Props<T extends string | number> {
  name: string;
  legend: string;
  hint: string;
  value: T;
  options: readonly { value: T; label: string }[];
  onChange: (value: T) => void;
}

/** One of a few, side by side. */
export function Choices<T extends string | number>({ name, legend, hint, value, options, onChange }: Props<T>) {
  const id = useId();
  return (
    <fieldset className="field" aria-describedby={id}>
      <legend>{legend}</legend>
      <div className="choices">
        {options.map((option) => (
          <label key={option.value} className="choice">
            <input type="radio" className="unseen" name={name} value={option.value} checked={option.value === value} onChange={() => { onChange(option.value); }} />
            <span>{option.label}</span>
          </label>
        ))}
      </div>
      <p className="hint" id={id}>{hint}</p>
    </fieldset>
  );
}
