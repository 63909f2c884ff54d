// A labelled field for one line of text, with a hint below it and its error where it belongs.

import { useEffect, useId, useRef } from 'preact/hooks';

export interface FieldProps {
  readonly label: string;
  readonly name: string;
  readonly value?: string | undefined;
  readonly hint?: string | undefined;
  readonly wrong?: string | null | undefined;
  readonly autocomplete?: AutoFill | undefined;
  readonly pattern?: string | undefined;
  /** What the browser says if the text does not fit the pattern. */
  readonly patternHint?: string | undefined;
  readonly maxLength?: number | undefined;
  readonly required?: boolean | undefined;
  readonly autofocus?: boolean | undefined;
  readonly placeholder?: string | undefined;
  /** Suggested values. */
  readonly options?: readonly string[] | undefined;
}

export function TextField(props: FieldProps) {
  const id = useId();
  const ref = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (props.autofocus) ref.current?.focus();
  }, [props.autofocus]);
  return (
    <div class="field">
      <label class="field-label" for={id}>
        {props.label}
      </label>
      <input
        ref={ref}
        id={id}
        class="input"
        name={props.name}
        defaultValue={props.value ?? ''}
        autocomplete={props.autocomplete ?? 'off'}
        autocapitalize="none"
        spellcheck={false}
        dir="auto"
        pattern={props.pattern}
        title={props.pattern ? props.patternHint : undefined}
        maxLength={props.maxLength}
        required={props.required}
        data-first={props.autofocus}
        placeholder={props.placeholder}
        list={props.options ? `${id}-options` : undefined}
        aria-invalid={props.wrong ? 'true' : undefined}
        aria-describedby={props.wrong ? `${id}-wrong` : props.hint ? `${id}-hint` : undefined}
      />
      {props.options && (
        <datalist id={`${id}-options`}>
          {props.options.map((option) => (
            <option key={option} value={option} />
          ))}
        </datalist>
      )}
      {props.wrong ? (
        <span id={`${id}-wrong`} class="wrong" role="alert">
          {props.wrong}
        </span>
      ) : (
        props.hint && (
          <span id={`${id}-hint`} class="field-hint">
            {props.hint}
          </span>
        )
      )}
    </div>
  );
}
