"use strict";
// What every part of the page uses.

const byId = (id) => document.getElementById(id);
const facts = JSON.parse(byId("facts").textContent);
