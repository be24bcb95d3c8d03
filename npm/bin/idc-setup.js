#!/usr/bin/env node
"use strict";

require("./launch.js")("idc-setup");
