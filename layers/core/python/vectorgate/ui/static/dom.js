/** What every view draws with: Preact, its hooks, and templates that need no compiler. */

import htm from "./vendor/htm.js";
import { h } from "./vendor/preact.js";

export { Fragment, render } from "./vendor/preact.js";
export { useCallback, useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from "./vendor/preact-hooks.js";

/** Make elements from a template. Every value is put in as text or as a property, never as HTML. */
export const html = htm.bind(h);
