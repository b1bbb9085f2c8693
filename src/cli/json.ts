/** JSON on one line with initctl's blanks: `[ 2, 3 ]`, `{ "code": 0 }`. */
export function inlineJson(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? '[]' : `[ ${value.map(inlineJson).join(', ')} ]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).map(([name, one]) => `${JSON.stringify(name)}: ${inlineJson(one)}`);
  return fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`;
}
