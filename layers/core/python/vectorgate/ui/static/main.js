/** Start the dashboard. */

import { App } from "./app.js";
import { html, render } from "./dom.js";

const place = document.getElementById("app");
place.replaceChildren();
render(html`<${App} />`, place);
