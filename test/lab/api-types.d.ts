// Generated from openapi.yaml by openapi-typescript: npm run openapi
export interface paths {
    "/healthz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Is the process alive */
        get: operations["getHealth"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/readyz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Which part of the server is not ready
         * @description 503 while a part is not ready; degraded parts do not change the status. Answers are a second old at most.
         */
        get: operations["getReadiness"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Measurements for Prometheus */
        get: operations["getMetrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/fridge": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the Pis that are free to use */
        get: operations["listFridge"];
        put?: never;
        /**
         * Bake a free Pi with a clone of a bakeform
         * @description Answers at once; the Pi is usable when `GET /oven/{piId}` shows status 2. It is not powered on unless the request says so. Without a choice any Pi is taken that is free.
         */
        post: operations["bakePi"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/oven": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the Pis that are baked or being worked on */
        get: operations["listOven"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/oven/{piId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get one Pi, whatever its status */
        get: operations["getPi"];
        put?: never;
        post?: never;
        /**
         * Unbake: power off, destroy all its disks, back to the fridge
         * @description Answers at once; the work goes on. A Pi that is being baked has its bake cancelled and undone; one that is held has its clean-up tried again; one in the fridge is left as it is. A rebake of the Pi is cancelled and undone, then the Pi is unbaked. *Unbake* ends what a Pi is baked as and puts it back into the fridge; *release* does the same for a held Pi whose bake or unbake cannot end; *forget* takes a Pi of the fridge out of the inventory.
         */
        delete: operations["unbakePi"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/oven/{piId}/powercycle": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Switch a baked Pi off and on again
         * @description Answered when done or after 8 s; a failure after that shows as `fault` of the Pi.
         */
        post: operations["powercyclePi"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/oven/{piId}/disks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Attach a disk to a baked Pi
         * @description Attaching it to the same Pi again changes nothing.
         */
        post: operations["attachDisk"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/oven/{piId}/disks/{diskId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Detach a disk from a Pi; the disk stays
         * @description The root disk cannot be detached. Detaching a disk that is attached to no Pi changes nothing.
         */
        delete: operations["detachDisk"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/bakeforms": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the bakeforms */
        get: operations["listBakeforms"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/bakeforms/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get one bakeform, with what was found in it */
        get: operations["getBakeform"];
        put?: never;
        /**
         * Make a bakeform from a disk image
         * @description A raw image, a root in a tar, or a BOSH stemcell, plain or packed with xz, gzip or zstd, or an image in a zip: its bytes tell. Refused with 403 when the name is taken, while the body is still coming in.
         */
        post: operations["uploadBakeform"];
        /** Delete a bakeform; Pis baked from it live on */
        delete: operations["deleteBakeform"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/disks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List all disks, roots included */
        get: operations["listDisks"];
        put?: never;
        /**
         * Create a disk, empty or with the bytes of another
         * @description With `fileSystem` it comes with one in its `disk.img`, or does not come at all. Made from a disk it has what that had at this moment, from a snapshot what was kept; larger with a larger size. They share their blocks until one of them changes.
         */
        post: operations["createDisk"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/disks/{diskId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get one disk */
        get: operations["getDisk"];
        put?: never;
        post?: never;
        /**
         * Destroy a disk that is attached to no Pi
         * @description Fine for a disk that does not exist. It goes to the trash with its snapshots, and they end with it there.
         */
        delete: operations["deleteDisk"];
        options?: never;
        head?: never;
        /** Give a disk a name, or none */
        patch: operations["patchDisk"];
        trace?: never;
    };
    "/api/v1/disks/{diskId}/grow": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Make a disk and its disk.img larger
         * @description One that is attached grows while its Pi uses it, where the server may do that (CAP_SYS_RESOURCE). Elsewhere detach it first, or allow with `mayInterrupt` that its Pi is interrupted. A Pi that has it has to be told then: `losetup -c` and, for a file system in disk.img, `resize2fs`. Answers at once; the work goes on. When it fails, the disk is as it was.
         */
        post: operations["growDisk"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/trash": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List destroyed disks that can be restored, oldest first */
        get: operations["listTrash"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/trash/{diskId}/restore": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Take a destroyed disk out of the trash
         * @description A data disk comes back attached to nothing. A root comes back under its Pi, which must be in the fridge and is baked then.
         */
        post: operations["restoreDisk"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/trash/{diskId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Delete a disk from the trash for good */
        delete: operations["purgeDisk"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/operations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List operations, newest first */
        get: operations["listOperations"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/operations/{operationId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get one operation with its history */
        get: operations["getOperation"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/operations/{operationId}/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Try a stuck operation again, from where it stands
         * @description Answers at once; the work goes on. What could not be undone is undone, what has no way back goes on.
         */
        post: operations["retryOperation"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/operations/{operationId}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Cancel a running operation; what it did is undone
         * @description Answers when the cancel is durable. An operation that has no way back (unbake, delete, …) cannot be cancelled.
         */
        post: operations["cancelOperation"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/litter": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List files, folders and loop devices that nothing accounts for, by their path
         * @description Bakery never deletes them. They are what somebody put there, or newer volumes that a restored database does not know.
         */
        get: operations["listLitter"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Follow what happens, as server-sent events; or one page of it as JSON
         * @description A stream goes on for ever, from now or from where Last-Event-ID says. An `event: gap` tells that events are missing. With `Accept: application/json` or `format=json` the answer is one page. Types are in docs/events.md.
         */
        get: operations["followEvents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/whoami": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Say whom the server takes you for */
        get: operations["whoAmI"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the tokens, oldest first, ended ones too */
        get: operations["listTokens"];
        put?: never;
        /**
         * Make a token
         * @description Its secret is in this answer and nowhere else. So there is no Idempotency-Key, for which the answer would be kept: the same name is refused. When the answer was lost, revoke the token and make one with another name.
         */
        post: operations["createToken"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tokens/{tokenId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get one token, and when it was last used */
        get: operations["getToken"];
        put?: never;
        post?: never;
        /**
         * Revoke a token: it is refused from now on, and its streams of events end
         * @description Fine for a token that does not exist or was revoked before. What was begun with it goes on. It stays listed for BAKERY_KEEP_DAYS.
         */
        delete: operations["revokeToken"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/webhooks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List webhooks, oldest first */
        get: operations["listWebhooks"];
        put?: never;
        /**
         * Have an address told what happens from now on
         * @description One event per POST, in their order, at least once, signed after Standard Webhooks (docs/events.md says how to check it). Any 2xx within 10 s is a delivery; else it is tried again, for as long as the event is kept.
         */
        post: operations["createWebhook"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/webhooks/{webhookId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get one webhook, and whether it takes what it is sent */
        get: operations["getWebhook"];
        put?: never;
        post?: never;
        /**
         * Tell an address nothing more
         * @description Fine for a webhook that does not exist. Nothing is sent after the answer.
         */
        delete: operations["deleteWebhook"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/webhooks/{webhookId}/test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Send an event of type webhook.test now
         * @description It has the number 0 and is no part of the feed; what waits to be delivered waits on.
         */
        post: operations["testWebhook"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the calls that were meant to change something, newest first */
        get: operations["listAudit"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/disks/{diskId}/snapshots": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the snapshots of a disk, oldest first; also of one in the trash */
        get: operations["listSnapshots"];
        put?: never;
        /**
         * Keep a disk as it is at this moment
         * @description The disk may be attached and written on: it is held still for a moment. What its Pi has not sent to the server yet is not in it; `sync` there first. It takes room only for what changes after it.
         */
        post: operations["createSnapshot"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/snapshots/{snapshotId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get one snapshot */
        get: operations["getSnapshot"];
        put?: never;
        post?: never;
        /** Delete a snapshot; disks that were made from it live on */
        delete: operations["deleteSnapshot"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/disks/{diskId}/restore": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Put a disk back to what it was in one of its snapshots
         * @description The disk must be attached to no Pi. What it is now is gone then: take a snapshot first to keep it. Its id and its size stay, its snapshots too. Answers at once; the work goes on.
         */
        post: operations["restoreSnapshot"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/pis": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Pis, whatever their state, by id
         * @description Those in quarantine too. What is asked for must all be so.
         */
        get: operations["listPis"];
        put?: never;
        /**
         * Enter a Pi before it is seen
         * @description It stands in the fridge, and is dropped for no stranger. With a MAC only that board can become it. Most Pis need none of this: they enter by asking for their boot files.
         */
        post: operations["registerPi"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/pis/{piId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get one Pi with all that is known of it */
        get: operations["findPi"];
        put?: never;
        post?: never;
        /**
         * Forget a Pi of the fridge
         * @description Its name, tags, notes, port, MAC and address go; its disks in the trash stay. It enters again, as a stranger, when it asks for its boot files. *Unbake* ends what a Pi is baked as and puts it back into the fridge; *release* does the same for a held Pi whose bake or unbake cannot end; *forget* takes a Pi of the fridge out of the inventory.
         */
        delete: operations["forgetPi"];
        options?: never;
        head?: never;
        /**
         * Name or tag a Pi, note something, bind its port, set or end its maintenance
         * @description A Pi of the fridge whose power was switched on in maintenance is flagged `awaitOff` when that ends.
         */
        patch: operations["patchPi"];
        trace?: never;
    };
    "/api/v1/pis/{piId}/admit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * End the quarantine of a Pi
         * @description It may be baked from then on. Fine for a Pi that is in none.
         */
        post: operations["admitPi"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/pis/{piId}/confirm-off": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Say that you have seen a Pi to be off
         * @description Takes the flag `awaitOff` from it. Fine for a Pi that has it not.
         */
        post: operations["confirmPiOff"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/pis/{piId}/release": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Give a held Pi back to the fridge without its power switch
         * @description Ends the stuck operation that holds the Pi, withdraws what the Pi mounts and puts its disks into the trash, from where they can be restored. Answers at once; the Pi is held until nothing is left. *Unbake* ends what a Pi is baked as and puts it back into the fridge; *release* does the same for a held Pi whose bake or unbake cannot end; *forget* takes a Pi of the fridge out of the inventory.
         */
        post: operations["releasePi"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/pis/{piId}/power": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What a Pi's power should be, and what its switch says
         * @description A switch that does not answer within 5 s says `unknown`, which is never the same as off.
         */
        get: operations["getPiPower"];
        put?: never;
        /**
         * Switch a Pi on or off, or off and on
         * @description Answers at once; the operation tells how it went, and a failure shows as `fault` of the Pi. Off leaves a baked Pi baked. On needs a baked Pi, or one in maintenance: any other of the fridge would be switched off again as soon as it asks for its boot files. Nothing else is done to the Pi meanwhile; an unbake cancels it.
         */
        post: operations["switchPi"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/switches": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List switches, by name */
        get: operations["listSwitches"];
        put?: never;
        /**
         * Enter a switch
         * @description It is not asked anything yet: see `POST /switches/{name}/test`. There is no Idempotency-Key, which would keep a hash of the secrets: the same name is refused.
         */
        post: operations["createSwitch"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/switch-kinds": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the kinds of switches, and what settings each takes */
        get: operations["listSwitchKinds"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/switches/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get one switch, and whether it can be used */
        get: operations["getSwitch"];
        put?: never;
        post?: never;
        /**
         * Forget a switch, with its secrets
         * @description Fine for one that does not exist. What its ports give stays as it is.
         */
        delete: operations["deleteSwitch"];
        options?: never;
        head?: never;
        /**
         * Change the settings or notes of a switch
         * @description Calls that are under way end with the old settings. Who changes a setting that is `address` of its kind sends every secret that it has again, or null for one that is not used any more: what was entered for one address is never sent to another.
         */
        patch: operations["patchSwitch"];
        trace?: never;
    };
    "/api/v1/switches/{name}/test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Ask a switch now, with the settings that it has
         * @description For 10 s at most. Nothing is switched.
         */
        post: operations["testSwitch"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/switches/{name}/ports": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the ports of a switch with what hangs on them
         * @description The switch is asked for it, for 10 s at most; who asks again within 5 s is told the same.
         */
        get: operations["listSwitchPorts"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/switches/{name}/discover": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Find which Pi hangs on which port, and bind them
         * @description A Pi hangs on the one port on which its MAC is learned and that of no other device is. What other switches told last counts, too. Pis must be on: a switch forgets an address that is silent for some minutes.
         */
        post: operations["discoverPorts"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/pis/{piId}/boots": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List a Pi's attempts to boot, newest first, each with a diagnosis
         * @description One record for each attempt: when it reached which stage, what it was sent, what it missed, and what to check next where it came no further. What was seen is in it within a second.
         */
        get: operations["listBoots"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/pis/{piId}/ready": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Say that a Pi is up and ready
         * @description For the Pi itself, at the end of its boot: from its own address it needs no token. With `time` a clock that is wrong is told, as that of a board without a battery is. Fine to repeat; the first of a boot counts.
         */
        post: operations["tellReady"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/bulk": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Do one thing to many Pis, a few at a time
         * @description Answers at once with one operation of kind `bulk`; `GET /operations/{operationId}` tells of each Pi how far it is, and the operation that does it. It goes on after a restart. What was done stays done when others fail; then the bulk ends as `failed` with `bulk-incomplete`. Cancelling it begins no more, and lets those under way end.
         */
        post: operations["bulk"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/pis/{piId}/rebake": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Give a baked Pi another root, from any bakeform; its other disks stay
         * @description Answers at once. The new root is made while the Pi runs on; then it is switched off, its roots are exchanged, and its power is as it was before. When that fails or is cancelled the Pi has its old root again. The old root goes to the trash.
         */
        post: operations["rebakePi"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/oven/{piId}/download/{filename}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read a file from the Pi's /piConfig */
        get: operations["downloadFile"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/files/{piId}/{filename}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get a boot file of a Pi; cmdline.txt is rendered for it
         * @description An unknown Pi is registered in the fridge. A Pi in the fridge gets 404 and is switched off. Needs no token from a trusted relay.
         */
        get: operations["getBootFile"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/netboot/dnsmasq.conf": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get a configuration of dnsmasq that has Pis boot from here
         * @description Pis that are known get lines of their own: take it again when some come or go.
         */
        get: operations["getDnsmasqConfiguration"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/pis/{piId}/console": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get the end of what a Pi's serial console printed
         * @description Bakery reads no serial line: a console server (conserver, ser2net, tio) does, and writes `<serial>.log` into the folder of `BAKERY_CONSOLES`. Without escape sequences and control characters.
         */
        get: operations["getConsole"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/uploads": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the uploads that came in pieces and are no bakeform yet, oldest first */
        get: operations["listUploads"];
        put?: never;
        /**
         * Begin an upload that may come in pieces
         * @description Send its pieces to the address in `Location`. Any client of tus 1.0 can do that, and goes on where it was after a break.
         */
        post: operations["createUpload"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/uploads/{uploadId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Tell how much of an upload is there
         * @description Also by HEAD, and in the headers `Upload-Offset` and `Upload-Length`.
         */
        get: operations["getUpload"];
        put?: never;
        post?: never;
        /** Delete an upload that is no bakeform yet */
        delete: operations["deleteUpload"];
        options?: never;
        head?: never;
        /**
         * Send a piece of an upload
         * @description It is put behind what is there, which must be as much as `Upload-Offset` says. What came before a break stays: ask how much that is, and go on from there. The answer has the new `Upload-Offset`.
         */
        patch: operations["sendPiece"];
        trace?: never;
    };
    "/api/v1/oven/{piId}/upload/{filename}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Write a file into the Pi's /piConfig */
        post: operations["uploadFile"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /**
         * @example {
         *       "size": 1024
         *     }
         */
        CreateDisk: {
            /**
             * @description MiB of disk.img; needed without `from`, and with it the size to grow to
             * @example 1024
             */
            size?: number;
            /**
             * @description what people call it
             * @example postgres-data
             */
            name?: string;
            /**
             * Format: uuid
             * @description a disk or snapshot that it is to have the bytes of
             * @example 5f0c9a52-8d3b-4a6e-9a57-2c4f6f1f0b7a
             */
            from?: string;
            /** @description made in disk.img; xfs wants 300 MiB */
            fileSystem?: {
                /**
                 * @example ext4
                 * @enum {string}
                 */
                type: "ext4" | "xfs";
                /**
                 * @description at most 12 characters of xfs
                 * @example containers
                 */
                label?: string;
            };
        };
        PatchDisk: {
            /**
             * @description null takes its name away
             * @example pg-1
             */
            name?: string | null;
        };
        GrowDisk: {
            /**
             * @description MiB that disk.img is to have
             * @example 2048
             */
            sizeMiB: number;
            /** @description Grow it also while it is attached and the server cannot grow it in use: what its Pi reads or writes in that moment fails (ESTALE). */
            mayInterrupt?: boolean;
        };
        RestoreSnapshot: {
            /**
             * Format: uuid
             * @description id of a snapshot of this disk
             * @example 5f0c9a52-8d3b-4a6e-9a57-2c4f6f1f0b7a
             */
            snapshot: string;
        };
        CreateSnapshot: {
            /**
             * @description what people call it
             * @example postgres-data
             */
            name?: string;
        };
        AttachDisk: {
            diskId: string;
        };
        ReleaseRequest: {
            /** @description You have seen that the Pi is off. When false it is flagged `awaitOff` and not picked before its next boot. */
            isOff: boolean;
        };
        PiSelect: {
            /** @enum {string} */
            state?: "fridge" | "baking" | "baked" | "unbaking" | "held";
            /**
             * @description of its revision code, in any case
             * @example 4B
             */
            model?: string;
            /** @example rack1-07 */
            name?: string;
            /**
             * @description what it is baked from
             * @example debian-13
             */
            bakeform?: string;
            /**
             * @description a text in its id, name, tags, notes, MAC, address or port, in any case
             * @example rack1
             */
            q?: string;
            /**
             * @description it has at least so much, by its revision code
             * @example 2048
             */
            minMemoryMiB?: number;
            /**
             * @description it has every one of them
             * @example [
             *       "ci"
             *     ]
             */
            tags?: string[];
            maintenance?: boolean;
            quarantine?: boolean;
            awaitOff?: boolean;
            /** @description whether it has one */
            fault?: boolean;
        };
        NewPi: {
            /**
             * @description its serial number, whole or the last 8 digits
             * @example 00000000687680cd
             */
            id: string;
            /** @example b8:27:eb:80:cd:7d */
            mac?: string;
            /**
             * @description what people call it; unique
             * @example rack1-07
             */
            name?: string;
            /**
             * @description in their order, each once
             * @example [
             *       "ci",
             *       "rack=1"
             *     ]
             */
            tags?: string[];
            /** @example the fan is loud */
            notes?: string;
            /** @description the port of the switch that its power comes from; one Pi each */
            port?: {
                /** @example poe-a */
                switch: string;
                /** @example 12 */
                port: string;
            };
            /**
             * @description its revision code, as /proc/cpuinfo prints it
             * @example a020d3
             */
            revision?: string;
        };
        /** @description What is absent stays as it is; null takes it back. */
        PiPatch: {
            name?: string | null;
            /**
             * @description in their order, each once
             * @example [
             *       "ci",
             *       "rack=1"
             *     ]
             */
            tags?: string[];
            /** @example the fan is loud */
            notes?: string;
            port?: {
                /** @example poe-a */
                switch: string;
                /** @example 12 */
                port: string;
            } | null;
            revision?: string | null;
            /**
             * @description it is never picked while this is set
             * @example true
             */
            maintenance?: boolean;
            /**
             * @description Bakery writes /piConfig/disks.json on its root at each attach and detach; else that is left to whoever baked it. Ends with an unbake
             * @example true
             */
            manageDisks?: boolean;
        };
        PowerRequest: {
            /**
             * @example cycle
             * @enum {string}
             */
            action: "on" | "off" | "cycle";
        };
        ReadyReport: {
            /**
             * Format: date-time
             * @description what the Pi's clock says; one that is wrong is told in the diagnosis
             */
            time?: string;
        };
        /**
         * @example {
         *       "bakeformName": "raspios"
         *     }
         */
        BakeRequest: {
            /** @example raspios */
            bakeformName: string;
            /**
             * @description of the Pi's root, its quota: at least that of the bakeform, which it has when this is left out
             * @example 16GiB
             */
            rootSize?: string;
            /** @description made with a home and sudo without a password; one that the image has is taken as it is */
            user?: {
                /** @example ada */
                name: string;
                /**
                 * @description as `mkpasswd` makes it; without it the password is locked. Forgotten when the operation has ended
                 * @example $6$saltsaltsalt$8G3p
                 */
                passwordHash?: string;
            };
            /**
             * @description OpenSSH public keys that may log in as the user, or as root without one; options are not taken
             * @example [
             *       "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINkJo+vL73s3Y9RCLDrQL5xj2ja4OLEgD0NMgjfmemTu ada@desk"
             *     ]
             */
            authorizedKeys?: string[];
            /**
             * @description for cloud-init: `#cloud-config`, a script, or MIME; at most 64 KiB. Forgotten when the operation has ended
             * @example #cloud-config
             *     package_update: true
             */
            userData?: string;
            /**
             * @description that Pi and no other
             * @example 687680cd
             */
            piId?: string;
            /**
             * @description as Raspberry Pi names it
             * @example 4B
             */
            model?: string;
            /**
             * @description all of them
             * @example [
             *       "rack-2"
             *     ]
             */
            tags?: string[];
            /**
             * @description at least so much
             * @example 4GiB
             */
            memory?: string;
            /**
             * @description Bakery writes /piConfig/disks.json on its root at each attach and detach; else that is left to whoever baked it. Ends with an unbake
             * @example true
             */
            manageDisks?: boolean;
            /**
             * @description switched on when all is in place; else its power is left alone
             * @constant
             */
            power?: "on";
        };
        /**
         * @example {
         *       "bakeformName": "raspios",
         *       "keepPiConfig": true
         *     }
         */
        RebakeRequest: {
            /** @example raspios */
            bakeformName: string;
            /**
             * @description of the Pi's root, its quota: at least that of the bakeform, which it has when this is left out
             * @example 16GiB
             */
            rootSize?: string;
            /** @description made with a home and sudo without a password; one that the image has is taken as it is */
            user?: {
                /** @example ada */
                name: string;
                /**
                 * @description as `mkpasswd` makes it; without it the password is locked. Forgotten when the operation has ended
                 * @example $6$saltsaltsalt$8G3p
                 */
                passwordHash?: string;
            };
            /**
             * @description OpenSSH public keys that may log in as the user, or as root without one; options are not taken
             * @example [
             *       "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINkJo+vL73s3Y9RCLDrQL5xj2ja4OLEgD0NMgjfmemTu ada@desk"
             *     ]
             */
            authorizedKeys?: string[];
            /**
             * @description for cloud-init: `#cloud-config`, a script, or MIME; at most 64 KiB. Forgotten when the operation has ended
             * @example #cloud-config
             *     package_update: true
             */
            userData?: string;
            /**
             * @description afterwards; as it was before when this is left out
             * @enum {string}
             */
            power?: "on" | "off";
            /**
             * @description the files of /piConfig go along to the new root
             * @default true
             */
            keepPiConfig: boolean;
        };
        /**
         * @example {
         *       "action": "power",
         *       "power": "cycle",
         *       "select": {
         *         "state": "baked",
         *         "tags": [
         *           "ci"
         *         ]
         *       },
         *       "atATime": 4
         *     }
         */
        BulkRequest: {
            /** @constant */
            action: "power";
            /** @enum {string} */
            power: "on" | "off" | "cycle";
            /**
             * @description their ids or names; either this or `select`
             * @example [
             *       "687680cd",
             *       "rack1-07"
             *     ]
             */
            pis?: string[];
            /** @description those of which all of this is so when the call is made; in quarantine only when it asks for that */
            select?: components["schemas"]["PiSelect"];
            /**
             * @description how many are worked on at once
             * @default 4
             * @example 4
             */
            atATime: number;
            /**
             * @description begin no more once one has failed
             * @default false
             * @example true
             */
            stopAtFirstFailure: boolean;
        } | {
            /** @constant */
            action: "unbake";
            /**
             * @description their ids or names; either this or `select`
             * @example [
             *       "687680cd",
             *       "rack1-07"
             *     ]
             */
            pis?: string[];
            /** @description those of which all of this is so when the call is made; in quarantine only when it asks for that */
            select?: components["schemas"]["PiSelect"];
            /**
             * @description how many are worked on at once
             * @default 4
             * @example 4
             */
            atATime: number;
            /**
             * @description begin no more once one has failed
             * @default false
             * @example true
             */
            stopAtFirstFailure: boolean;
        } | {
            /** @constant */
            action: "bake";
            /** @example raspios */
            bakeformName: string;
            /**
             * @description of the Pi's root, its quota: at least that of the bakeform, which it has when this is left out
             * @example 16GiB
             */
            rootSize?: string;
            /** @description made with a home and sudo without a password; one that the image has is taken as it is */
            user?: {
                /** @example ada */
                name: string;
                /**
                 * @description as `mkpasswd` makes it; without it the password is locked. Forgotten when the operation has ended
                 * @example $6$saltsaltsalt$8G3p
                 */
                passwordHash?: string;
            };
            /**
             * @description OpenSSH public keys that may log in as the user, or as root without one; options are not taken
             * @example [
             *       "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINkJo+vL73s3Y9RCLDrQL5xj2ja4OLEgD0NMgjfmemTu ada@desk"
             *     ]
             */
            authorizedKeys?: string[];
            /**
             * @description for cloud-init: `#cloud-config`, a script, or MIME; at most 64 KiB. Forgotten when the operation has ended
             * @example #cloud-config
             *     package_update: true
             */
            userData?: string;
            /**
             * @description switched on when all is in place; else its power is left alone
             * @constant
             */
            power?: "on";
            /**
             * @description their ids or names; either this or `select`
             * @example [
             *       "687680cd",
             *       "rack1-07"
             *     ]
             */
            pis?: string[];
            /** @description those of which all of this is so when the call is made; in quarantine only when it asks for that */
            select?: components["schemas"]["PiSelect"];
            /**
             * @description how many are worked on at once
             * @default 4
             * @example 4
             */
            atATime: number;
            /**
             * @description begin no more once one has failed
             * @default false
             * @example true
             */
            stopAtFirstFailure: boolean;
        } | {
            /** @constant */
            action: "rebake";
            /** @example raspios */
            bakeformName: string;
            /**
             * @description of the Pi's root, its quota: at least that of the bakeform, which it has when this is left out
             * @example 16GiB
             */
            rootSize?: string;
            /** @description made with a home and sudo without a password; one that the image has is taken as it is */
            user?: {
                /** @example ada */
                name: string;
                /**
                 * @description as `mkpasswd` makes it; without it the password is locked. Forgotten when the operation has ended
                 * @example $6$saltsaltsalt$8G3p
                 */
                passwordHash?: string;
            };
            /**
             * @description OpenSSH public keys that may log in as the user, or as root without one; options are not taken
             * @example [
             *       "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINkJo+vL73s3Y9RCLDrQL5xj2ja4OLEgD0NMgjfmemTu ada@desk"
             *     ]
             */
            authorizedKeys?: string[];
            /**
             * @description for cloud-init: `#cloud-config`, a script, or MIME; at most 64 KiB. Forgotten when the operation has ended
             * @example #cloud-config
             *     package_update: true
             */
            userData?: string;
            /**
             * @description afterwards; as it was before when this is left out
             * @enum {string}
             */
            power?: "on" | "off";
            /**
             * @description the files of /piConfig go along to the new root
             * @default true
             */
            keepPiConfig: boolean;
            /**
             * @description their ids or names; either this or `select`
             * @example [
             *       "687680cd",
             *       "rack1-07"
             *     ]
             */
            pis?: string[];
            /** @description those of which all of this is so when the call is made; in quarantine only when it asks for that */
            select?: components["schemas"]["PiSelect"];
            /**
             * @description how many are worked on at once
             * @default 4
             * @example 4
             */
            atATime: number;
            /**
             * @description begin no more once one has failed
             * @default false
             * @example true
             */
            stopAtFirstFailure: boolean;
        } | {
            /** @constant */
            action: "patch";
            /**
             * @description in their order, each once
             * @example [
             *       "ci",
             *       "rack=1"
             *     ]
             */
            addTags?: string[];
            /**
             * @description in their order, each once
             * @example [
             *       "ci",
             *       "rack=1"
             *     ]
             */
            removeTags?: string[];
            maintenance?: boolean;
            /**
             * @description their ids or names; either this or `select`
             * @example [
             *       "687680cd",
             *       "rack1-07"
             *     ]
             */
            pis?: string[];
            /** @description those of which all of this is so when the call is made; in quarantine only when it asks for that */
            select?: components["schemas"]["PiSelect"];
            /**
             * @description how many are worked on at once
             * @default 4
             * @example 4
             */
            atATime: number;
            /**
             * @description begin no more once one has failed
             * @default false
             * @example true
             */
            stopAtFirstFailure: boolean;
        };
        NewSwitch: {
            /**
             * @description what Pis are bound to in `port.switch`; it does not change
             * @example poe-a
             */
            name: string;
            /** @example snmp-poe */
            kind: string;
            /**
             * @description by the schema of its kind, secrets too
             * @example {
             *       "host": "192.0.2.7",
             *       "user": "bakery",
             *       "authKey": "…",
             *       "privKey": "…"
             *     }
             */
            settings: {
                [key: string]: string | number | boolean | null;
            };
            /** @example top of rack 1 */
            notes?: string;
        };
        /** @description What is absent stays as it is. */
        SwitchPatch: {
            /**
             * @description one by one: what is absent stays, secrets too, unless its address changes; null takes it back
             * @example {
             *       "authKey": "…"
             *     }
             */
            settings?: {
                [key: string]: string | number | boolean | null;
            };
            /** @example top of rack 1 */
            notes?: string;
        };
        TestSwitch: {
            /**
             * @description ask for this port only: for a kind that has no list of its ports
             * @example 12
             */
            port?: string;
        };
        DiscoverPorts: {
            /**
             * @description bind what is `bound`; else it is only proposed
             * @example true
             */
            apply?: boolean;
            /**
             * @description bind those that have `moved`, too
             * @example false
             */
            rebind?: boolean;
        };
        /**
         * @description What a token may do, each all that those before it may: `viewer` reads; `cpi` makes the calls of the original API, too; `operator` works on Pis, disks and operations; `admin` does everything.
         * @example cpi
         * @enum {string}
         */
        ScopeInput: "viewer" | "cpi" | "operator" | "admin";
        /** @description A token to be made. */
        CreateToken: {
            /**
             * @description what the audit and operations call who uses it; no other token has or had it
             * @example bosh-director
             */
            name: string;
            scope: components["schemas"]["ScopeInput"];
            /**
             * Format: date-time
             * @description from then on it is refused; absent for one that does not expire
             * @example 2027-11-24T12:00:00Z
             */
            expiresAt?: string;
        };
        CreateWebhook: {
            /**
             * @description http or https
             * @example https://ci.example/bakery
             */
            url: string;
            /**
             * @description what is told, `operation.*` for all of a kind; empty for everything
             * @default []
             * @example [
             *       "operation.*"
             *     ]
             */
            types: string[];
            /** @description `whsec_` and 24 to 64 bytes in base64; made when absent */
            secret?: string;
        };
        Problem: {
            /** @description address of the section of docs/problems.md that explains the code */
            type: string;
            title: string;
            status: number;
            detail: string;
            /** @description stable name of the error, in docs/problems.md */
            code: string;
            /** @description same as detail, for clients of the original API */
            error: string;
            /** @description request id, to be found in the log */
            instance?: string;
        };
        Disk: {
            /** @description UUID */
            id: string;
            /** @description absolute path of the exported folder; it holds disk.img */
            location: string;
            /** @description MiB of disk.img, 0 for a root */
            size: number;
            /** @description address a Pi mounts it from */
            nfsAddress: string;
        };
        DiskDetail: {
            /** @description UUID */
            id: string;
            /** @description absolute path of the exported folder; it holds disk.img */
            location: string;
            /** @description MiB of disk.img, 0 for a root */
            size: number;
            /** @description address a Pi mounts it from */
            nfsAddress: string;
            /**
             * @description a Pi’s root file system, or a folder that holds one disk.img
             * @enum {string}
             */
            role: "root" | "data";
            /**
             * @description what people call it
             * @example postgres-data
             */
            name?: string;
            /** @description the disk or snapshot it was made from, which may be gone */
            source?: string;
            /** Format: date-time */
            createdAt: string;
            /**
             * @description the Pi it is attached to
             * @example 687680cd
             */
            attachedTo?: string;
            /**
             * @description how many snapshots of it there are
             * @example 2
             */
            snapshots: number;
        };
        DiskMap: {
            disks: {
                [key: string]: components["schemas"]["Disk"];
            };
        };
        Snapshot: {
            /**
             * @description UUID
             * @example 5f0c9a52-8d3b-4a6e-9a57-2c4f6f1f0b7a
             */
            id: string;
            /** @description id of the disk it is of */
            disk: string;
            /**
             * @description what people call it
             * @example postgres-data
             */
            name?: string;
            /**
             * @description MiB of disk.img at that moment
             * @example 1024
             */
            sizeMiB: number;
            /** Format: date-time */
            createdAt: string;
        };
        SnapshotPage: {
            snapshots: components["schemas"]["Snapshot"][];
            /**
             * @description cursor of the next page; absent on the last
             * @example WyI2ODc2ODBjZCJd
             */
            next?: string;
        };
        Operation: {
            id: string;
            /** @example bake */
            kind: string;
            /**
             * @description running; unwinding: it is being undone; stuck: it needs a person; done; failed: it was undone, nothing is left of it
             * @enum {string}
             */
            state: "running" | "unwinding" | "stuck" | "done" | "failed";
            /** Format: date-time */
            createdAt: string;
            /** Format: date-time */
            endedAt?: string;
            pi?: string;
            disk?: string;
            bakeform?: string;
            /** @description whose token; absent when the server did by itself */
            actor?: string;
            error?: {
                code: string;
                message: string;
            };
            /** @description in their order */
            steps: {
                /** @example clone */
                name: string;
                /** @enum {string} */
                state: "waiting" | "running" | "done" | "failed" | "undoing" | "undone" | "undo-failed";
                /** Format: date-time */
                startedAt?: string;
                /** Format: date-time */
                endedAt?: string;
            }[];
            /** @description how far the running step is, when it can tell */
            progress?: {
                step: string;
                done: number;
                /** @description absent where nobody knows */
                total?: number;
                /** @enum {string} */
                unit: "bytes" | "pis";
            };
        };
        OperationDetail: {
            id: string;
            /** @example bake */
            kind: string;
            /**
             * @description running; unwinding: it is being undone; stuck: it needs a person; done; failed: it was undone, nothing is left of it
             * @enum {string}
             */
            state: "running" | "unwinding" | "stuck" | "done" | "failed";
            /** Format: date-time */
            createdAt: string;
            /** Format: date-time */
            endedAt?: string;
            pi?: string;
            disk?: string;
            bakeform?: string;
            /** @description whose token; absent when the server did by itself */
            actor?: string;
            error?: {
                code: string;
                message: string;
            };
            /** @description in their order */
            steps: {
                /** @example clone */
                name: string;
                /** @enum {string} */
                state: "waiting" | "running" | "done" | "failed" | "undoing" | "undone" | "undo-failed";
                /** Format: date-time */
                startedAt?: string;
                /** Format: date-time */
                endedAt?: string;
            }[];
            /** @description how far the running step is, when it can tell */
            progress?: {
                step: string;
                done: number;
                /** @description absent where nobody knows */
                total?: number;
                /** @enum {string} */
                unit: "bytes" | "pis";
            };
            /** @description of a bulk: each of its Pis, in their order */
            results?: {
                /** @example 687680cd */
                pi: string;
                /**
                 * @description stuck: its operation needs a person; skipped: it was not begun when the bulk was stopped or cancelled
                 * @enum {string}
                 */
                state: "waiting" | "running" | "done" | "failed" | "stuck" | "skipped";
                /** @description what does or did it; absent where there was nothing to do */
                operation?: string;
                error?: {
                    code: string;
                    message: string;
                };
            }[];
            /** @description what it claims now */
            holds: {
                resource: string;
                purpose: string;
            }[];
            events: {
                /** Format: date-time */
                at: string;
                step: string;
                event: string;
                error?: {
                    code: string;
                    message: string;
                };
            }[];
        };
        OperationPage: {
            operations: components["schemas"]["Operation"][];
            /**
             * @description cursor of the next page; absent on the last
             * @example WyI2ODc2ODBjZCJd
             */
            next?: string;
        };
        PiInfo: {
            /**
             * @description low 32 bits of the serial number, 8 lower-case hex digits
             * @example 687680cd
             */
            id: string;
            /** @description 1 not in use (fridge), 2 in use (oven), 3 being worked on */
            status: 1 | 2 | 3;
            /** @description in attach order, the root first; absent when empty */
            disks?: components["schemas"]["Disk"][];
            sourceBakeform?: {
                name: string;
                location: string;
            };
            /** @enum {string} */
            state: "fridge" | "baking" | "baked" | "unbaking" | "held";
            /** @description the one address that may use its exports */
            address?: string;
            mac?: string;
            /** @enum {string} */
            desiredPower?: "on" | "off";
            maintenance?: boolean;
            /** @description a person has to switch it off */
            awaitOff?: boolean;
            /** @description what the machine found wrong with it */
            fault?: string;
        };
        PiMap: {
            [key: string]: components["schemas"]["PiInfo"];
        };
        Pi: {
            /**
             * @description low 32 bits of the serial number, 8 lower-case hex digits
             * @example 687680cd
             */
            id: string;
            /** @description 1 not in use (fridge), 2 in use (oven), 3 being worked on */
            status: 1 | 2 | 3;
            /** @description in attach order, the root first; absent when empty */
            disks?: components["schemas"]["Disk"][];
            sourceBakeform?: {
                name: string;
                location: string;
            };
            /** @enum {string} */
            state: "fridge" | "baking" | "baked" | "unbaking" | "held";
            /** @description the one address that may use its exports */
            address?: string;
            mac?: string;
            /** @enum {string} */
            desiredPower?: "on" | "off";
            maintenance?: boolean;
            /** @description a person has to switch it off */
            awaitOff?: boolean;
            /** @description what the machine found wrong with it */
            fault?: string;
            /** @description not admitted yet: never picked, never powered */
            quarantine?: boolean;
            /**
             * @description what people call it; unique
             * @example rack1-07
             */
            name?: string;
            /**
             * @description in their order, each once
             * @example [
             *       "ci",
             *       "rack=1"
             *     ]
             */
            tags: string[];
            /** @example the fan is loud */
            notes?: string;
            /**
             * @description Bakery writes /piConfig/disks.json on its root at each attach and detach; else that is left to whoever baked it. Ends with an unbake
             * @example true
             */
            manageDisks?: boolean;
            /** @description the port of the switch that its power comes from; one Pi each */
            port?: {
                /** @example poe-a */
                switch: string;
                /** @example 12 */
                port: string;
            };
            /** @description its switch did not list that port when it was asked last: a wrong name, most often */
            portUnlisted?: boolean;
            /** @description the port it was found on while it is bound to another; it is not picked meanwhile */
            movedTo?: {
                /** @example poe-a */
                switch: string;
                /** @example 12 */
                port: string;
            };
            /**
             * @description its revision code, as /proc/cpuinfo prints it
             * @example a020d3
             */
            revision?: string;
            /**
             * @description of its revision code
             * @example 3B+
             */
            model?: string;
            /**
             * @description of its revision code
             * @example 1024
             */
            memoryMiB?: number;
            /**
             * @description of its revision code
             * @example BCM2837
             */
            processor?: string;
            /**
             * Format: date-time
             * @description when its address was last seen in use
             */
            lastSeenAt?: string;
            power: {
                /**
                 * @description through a port of a switch, only by asking a person, or not at all
                 * @enum {string}
                 */
                reach: "port" | "by-hand" | "none";
                /**
                 * @description what its power should be
                 * @example on
                 * @enum {string}
                 */
                desired?: "on" | "off";
            };
            /** @description the operation that holds it */
            operation?: {
                /** @example 6f1a3c52-8a0f-4a53-9d3e-0d6a4e1c7b11 */
                id: string;
                kind: string;
            };
        };
        PiPage: {
            pis: components["schemas"]["Pi"][];
            /**
             * @description cursor of the next page; absent on the last
             * @example WyI2ODc2ODBjZCJd
             */
            next?: string;
        };
        PiPower: {
            /**
             * @description through a port of a switch, only by asking a person, or not at all
             * @enum {string}
             */
            reach: "port" | "by-hand" | "none";
            /**
             * @description what its power should be
             * @example on
             * @enum {string}
             */
            desired?: "on" | "off";
            /**
             * @description what the switch says now; absent where it cannot tell
             * @enum {string}
             */
            observed?: "on" | "off" | "unknown";
            /** @description what the machine found wrong with the Pi */
            fault?: string;
        };
        AuditEntry: {
            seq: number;
            /** Format: date-time */
            at: string;
            /** @description whose token */
            actor: string;
            /** @description address it came from */
            client: string;
            method: string;
            path: string;
            status: number;
            code?: string;
            operation?: string;
            /** @description request id, as in the log and in problems */
            request: string;
        };
        AuditPage: {
            entries: components["schemas"]["AuditEntry"][];
            /**
             * @description cursor of the next page; absent on the last
             * @example WyI2ODc2ODBjZCJd
             */
            next?: string;
        };
        Bakeform: {
            name: string;
            /** @description its golden volume on the server */
            location: string;
            /** @description of the uploaded bytes */
            sha256?: string;
            /** @description uploaded bytes */
            bytes?: number;
            /** @description what was changed to make it netboot, and warnings */
            notes?: string[];
        };
        BakeformFinding: {
            /**
             * @description stable; docs/bakeforms.md explains each
             * @example no-login
             */
            code: string;
            /**
             * @description error: no Pi can boot it
             * @enum {string}
             */
            level: "info" | "warning" | "error";
            /** @example nobody can log in: no password and no key is set */
            message: string;
            /**
             * @description below its root
             * @example etc/fstab
             */
            path?: string;
        };
        BakeformDetail: {
            name: string;
            /** @description its golden volume on the server */
            location: string;
            /** @description of the uploaded bytes */
            sha256?: string;
            /** @description uploaded bytes */
            bytes?: number;
            /** @description what was changed to make it netboot, and warnings */
            notes?: string[];
            /** Format: date-time */
            createdAt: string;
            /**
             * @description below its root, with its boot files
             * @example boot/firmware
             */
            bootFolder: string;
            /**
             * @description bytes that its root holds
             * @example 2147483648
             */
            rootUsedBytes: number;
            /**
             * @description how large its root is, and that of each Pi
             * @example 8589934592
             */
            rootSizeBytes: number;
            /**
             * @description how many Pis are baked from it now
             * @example 12
             */
            pis: number;
            /** @description what was changed to make it netboot, and what is left to see to */
            lint: components["schemas"]["BakeformFinding"][];
        };
        BakeformMap: {
            [key: string]: components["schemas"]["Bakeform"];
        };
        Upload: {
            /**
             * Format: uuid
             * @example 5f0c9a52-8d3b-4a6e-9a57-2c4f6f1f0b7a
             */
            id: string;
            /**
             * @description how many it has when it is whole
             * @example 536870912
             */
            bytes: number;
            /**
             * @description how many are there: the next piece begins here
             * @example 104857600
             */
            offset: number;
            /** Format: date-time */
            createdAt: string;
            /**
             * @description until it is deleted, unless somebody goes on with it
             * @example 86400
             */
            secondsLeft: number;
        };
        UploadList: {
            uploads: components["schemas"]["Upload"][];
            /**
             * @description cursor of the next page; absent on the last
             * @example WyI2ODc2ODBjZCJd
             */
            next?: string;
        };
        Diagnosis: {
            /**
             * @description in docs/netboot.md
             * @example kernel-missing
             */
            code: string;
            /** @description where it is, or stopped */
            text: string;
            /** @description what makes a boot stop there, the likeliest first */
            causes: {
                /** @example no-kernel */
                code: string;
                text: string;
            }[];
            /** @description the next thing to check; absent where all is well */
            next?: string;
        };
        Boot: {
            /** @example 0a8f3c52-8a0f-4a53-9d3e-0d6a4e1c7b12 */
            id: string;
            pi: string;
            /**
             * @description stopped: it ended before its root was mounted, or has been silent for longer than its stage takes
             * @enum {string}
             */
            state: "under-way" | "up" | "stopped";
            /**
             * @description the furthest that was seen; absent when its power never came
             * @enum {string}
             */
            stage?: "power-on" | "dhcp" | "first-file" | "firmware" | "cmdline" | "kernel" | "root-mounted" | "ready";
            /** Format: date-time */
            startedAt: string;
            /**
             * Format: date-time
             * @description its last sign
             */
            heardAt: string;
            /** Format: date-time */
            endedAt?: string;
            /**
             * @description the next attempt began, or its power was taken
             * @enum {string}
             */
            endedBy?: "next" | "off";
            /** @description those that were seen, in their order */
            stages: {
                /** @enum {string} */
                stage: "power-on" | "dhcp" | "first-file" | "firmware" | "cmdline" | "kernel" | "root-mounted" | "ready";
                /** Format: date-time */
                at: string;
            }[];
            /** @description files it got whole */
            files: number;
            /** @description of all files, also of those that broke off */
            bytes: number;
            /** @description requests for files that there are not; half of what firmware asks for */
            misses: number;
            /** @description the first of them, by name */
            missed: string[];
            lastFile?: string;
            diagnosis: components["schemas"]["Diagnosis"];
        };
        BootPage: {
            boots: components["schemas"]["Boot"][];
            /**
             * @description cursor of the next page; absent on the last
             * @example WyI2ODc2ODBjZCJd
             */
            next?: string;
        };
        Event: {
            /** @description its place in the order of all events; the id of the server-sent event */
            seq: number;
            /** Format: date-time */
            at: string;
            /**
             * @description in docs/events.md
             * @example operation.done
             */
            type: string;
            operation?: string;
            pi?: string;
            disk?: string;
            bakeform?: string;
            /** @description by type */
            data: {
                [key: string]: unknown;
            };
        };
        EventPage: {
            events: components["schemas"]["Event"][];
            /**
             * @description give it as `after` to go on
             * @example 41
             */
            next: number;
            /** @description event `wanted` is not there any more; the page goes on with `from` */
            gap?: {
                wanted: number;
                from: number;
            };
        };
        /**
         * @description The process answers.
         * @example {
         *       "status": "ok"
         *     }
         */
        Health: {
            /** @constant */
            status: "ok";
        };
        /**
         * @example {
         *       "part": "nfs",
         *       "state": "ready",
         *       "detail": "12 exports served"
         *     }
         */
        PartReadiness: {
            /** @enum {string} */
            part: "http" | "database" | "pool" | "space" | "nfs" | "tftp" | "dhcp" | "power" | "switches" | "webhooks" | "recovery" | "backup";
            /**
             * @description degraded: it works, and a person should look
             * @enum {string}
             */
            state: "ready" | "degraded" | "not-ready";
            /** @description for people; may change */
            detail: string;
        };
        /**
         * @description How each part of the server is; `status` is that of the worst.
         * @example {
         *       "status": "degraded",
         *       "parts": [
         *         {
         *           "part": "database",
         *           "state": "ready",
         *           "detail": "it answers"
         *         },
         *         {
         *           "part": "backup",
         *           "state": "degraded",
         *           "detail": "the last one failed; it is tried again"
         *         }
         *       ]
         *     }
         */
        Readiness: {
            /** @enum {string} */
            status: "ready" | "degraded" | "not-ready";
            parts: components["schemas"]["PartReadiness"][];
            /** @description what this server is, where it was given one (`BAKERY_LABEL`) */
            label?: string;
        };
        Litter: {
            /** @description below BAKERY_ROOT; of a loop device its name */
            path: string;
            /** @enum {string} */
            kind: "file" | "folder" | "other" | "loop";
            /** @description of a file, holes counted */
            bytes: number;
            /** @description of a loop device: the file behind it, below BAKERY_ROOT */
            behind?: string;
        };
        LitterList: {
            litter: components["schemas"]["Litter"][];
            /** @description there is more than was looked at */
            more: boolean;
            /**
             * @description cursor of the next page; absent on the last
             * @example WyI2ODc2ODBjZCJd
             */
            next?: string;
        };
        /** @description A switch whose ports Pis hang on. */
        Switch: {
            /**
             * @description what Pis are bound to in `port.switch`; it does not change
             * @example poe-a
             */
            name: string;
            /** @example snmp-poe */
            kind: string;
            /**
             * @description without secrets
             * @example {
             *       "host": "192.0.2.7",
             *       "user": "bakery"
             *     }
             */
            settings: {
                [key: string]: string | number | boolean | null;
            };
            /**
             * @description which secrets it has; empty when they cannot be read. Their values are never shown
             * @example {
             *       "authKey": true,
             *       "privKey": true
             *     }
             */
            secrets: {
                [key: string]: boolean;
            };
            /** @example top of rack 1 */
            notes?: string;
            /** Format: date-time */
            createdAt: string;
            /**
             * @description Pis that are bound to its ports
             * @example 12
             */
            boundPis: number;
            /** @description why it cannot be used, or why the last question to it failed */
            fault?: string;
            /**
             * @description what it says that it is
             * @example GS308EP V1.0.1.4
             */
            description?: string;
            /**
             * Format: date-time
             * @description when it last told what is on its ports
             */
            surveyedAt?: string;
        };
        SwitchPage: {
            switches: components["schemas"]["Switch"][];
            /**
             * @description cursor of the next page; absent on the last
             * @example WyI2ODc2ODBjZCJd
             */
            next?: string;
        };
        SwitchKinds: {
            kinds: {
                /** @example snmp-poe */
                name: string;
                /** @example managed PoE switches over SNMP */
                title: string;
                /**
                 * @description settings that are never shown
                 * @example [
                 *       "authKey"
                 *     ]
                 */
                secrets: string[];
                /**
                 * @description settings that say who gets the secrets: who changes one gives them again
                 * @example [
                 *       "host",
                 *       "port"
                 *     ]
                 */
                address: string[];
                /**
                 * @description JSON Schema of its settings
                 * @example {
                 *       "type": "object",
                 *       "properties": {
                 *         "host": {
                 *           "type": "string"
                 *         }
                 *       },
                 *       "required": [
                 *         "host"
                 *       ]
                 *     }
                 */
                settings: {
                    [key: string]: unknown;
                };
            }[];
        };
        SwitchTest: {
            /**
             * @description what it says that it is
             * @example GS308EP V1.0.1.4
             */
            description?: string;
            /**
             * @description how many ports it lists
             * @example 8
             */
            ports?: number;
            /** @description power that it has for all its ports */
            budget?: {
                /** @example 62000 */
                limitMilliwatts: number;
                /** @example 8200 */
                usedMilliwatts: number;
            };
            /**
             * @description of the port that was asked for
             * @example on
             * @enum {string}
             */
            power?: "on" | "off" | "unknown";
        };
        SwitchPort: {
            /** @example 12 */
            port: string;
            /**
             * @description what the switch calls it
             * @example gi1/0/12
             */
            label?: string;
            /**
             * @description whether its power is switched on
             * @example on
             * @enum {string}
             */
            power: "on" | "off" | "unknown";
            /** @description something on it draws power */
            delivers?: boolean;
            /**
             * @description what it draws
             * @example 4100
             */
            milliwatts?: number;
            link?: boolean;
            /**
             * @description addresses learned on it, 64 at most; absent where the switch cannot tell
             * @example [
             *       "b8:27:eb:76:80:cd"
             *     ]
             */
            macs?: string[];
            /**
             * @description the Pi that is bound to it
             * @example 687680cd
             */
            pi?: string;
            /** @description Pis whose address was learned on it */
            found: string[];
            /** @description several devices: there is another switch behind it */
            uplink?: boolean;
        };
        /**
         * @example {
         *       "description": "GS308EP V1.0.1.4",
         *       "at": "2026-11-24T12:00:00.000Z",
         *       "ports": [
         *         {
         *           "port": "12",
         *           "power": "on",
         *           "delivers": true,
         *           "milliwatts": 4100,
         *           "link": true,
         *           "pi": "687680cd",
         *           "found": [
         *             "687680cd"
         *           ]
         *         }
         *       ]
         *     }
         */
        SwitchPorts: {
            description: string;
            /**
             * Format: date-time
             * @description when it was asked
             */
            at: string;
            /** @description power that it has for all its ports */
            budget?: {
                /** @example 62000 */
                limitMilliwatts: number;
                /** @example 8200 */
                usedMilliwatts: number;
            };
            ports: components["schemas"]["SwitchPort"][];
        };
        /** @description Those that are bound to other switches and not found on this one are left out. */
        Discovery: {
            /** @description whether anything was bound */
            applied: boolean;
            pis: {
                /** @example 687680cd */
                pi: string;
                /**
                 * @description `bound`: it was bound to no port, and is alone on one; `already`: it is on its port; `moved`: it is bound to another; `ambiguous`: a person must say where it belongs; `notFound`: on no port
                 * @enum {string}
                 */
                outcome: "bound" | "already" | "moved" | "ambiguous" | "notFound";
                /** @description where it was found */
                port?: {
                    /** @example poe-a */
                    switch: string;
                    /** @example 12 */
                    port: string;
                };
                /** @description what it was bound to, when that is another */
                boundTo?: {
                    /** @example poe-a */
                    switch: string;
                    /** @example 12 */
                    port: string;
                };
                /** @description it is, or with `apply` would be, bound to `port` */
                binds: boolean;
                /** @description why it is not bound */
                why?: string;
            }[];
        };
        /**
         * @description What a token may do, each all that those before it may: `viewer` reads; `cpi` makes the calls of the original API, too; `operator` works on Pis, disks and operations; `admin` does everything.
         * @example cpi
         * @enum {string}
         */
        Scope: "viewer" | "cpi" | "operator" | "admin";
        /** @description A token without its secret. */
        Token: {
            /** @example 0f4c2f0e-6a55-4a3e-9d1c-5d0c4f6f2a11 */
            id: string;
            /**
             * @description what the audit and operations call who uses it; no other token has or had it
             * @example bosh-director
             */
            name: string;
            scope: components["schemas"]["Scope"];
            /** Format: date-time */
            createdAt: string;
            /**
             * Format: date-time
             * @description from then on it is refused; absent for one that does not expire
             * @example 2027-11-24T12:00:00Z
             */
            expiresAt?: string;
            /**
             * Format: date-time
             * @description to the minute; absent before its first use
             */
            lastUsedAt?: string;
            /**
             * Format: date-time
             * @description when it was ended; absent while it may be used
             */
            revokedAt?: string;
        };
        /** @description A new token with its secret. */
        TokenCreated: {
            /** @example 0f4c2f0e-6a55-4a3e-9d1c-5d0c4f6f2a11 */
            id: string;
            /**
             * @description what the audit and operations call who uses it; no other token has or had it
             * @example bosh-director
             */
            name: string;
            scope: components["schemas"]["Scope"];
            /** Format: date-time */
            createdAt: string;
            /**
             * Format: date-time
             * @description from then on it is refused; absent for one that does not expire
             * @example 2027-11-24T12:00:00Z
             */
            expiresAt?: string;
            /**
             * Format: date-time
             * @description to the minute; absent before its first use
             */
            lastUsedAt?: string;
            /**
             * Format: date-time
             * @description when it was ended; absent while it may be used
             */
            revokedAt?: string;
            /**
             * @description what calls are made with; only its hash is kept, so it is never shown again
             * @example bakery_q2bWkqk0J9H0v3Wn0c1o8g4VYw1m3n6p5sXzT7uBcD0
             */
            secret: string;
        };
        /** @description A page of tokens, oldest first. */
        TokenPage: {
            tokens: components["schemas"]["Token"][];
            /**
             * @description cursor of the next page; absent on the last
             * @example WyI2ODc2ODBjZCJd
             */
            next?: string;
        };
        /** @description Whom the server takes you for. */
        WhoAmI: {
            /**
             * @description what the audit calls you
             * @example bosh-director
             */
            name: string;
            scope: components["schemas"]["Scope"];
            /**
             * Format: date-time
             * @description from then on it is refused; absent for one that does not expire
             * @example 2027-11-24T12:00:00Z
             */
            expiresAt?: string;
        };
        TrashedDisk: {
            id: string;
            /** @enum {string} */
            role: "root" | "data";
            /** @description MiB of disk.img, 0 for a root */
            size: number;
            /** @description the Pi it was on */
            pi?: string;
            /** @description of a root: what it was cloned from */
            bakeform?: string;
            /** Format: date-time */
            discardedAt: string;
            /** @description how long running servers have kept it */
            keptForSeconds: number;
            /** @description until it is deleted for good, unless the pool runs low before */
            secondsLeft: number;
        };
        TrashList: {
            disks: components["schemas"]["TrashedDisk"][];
            /**
             * @description cursor of the next page; absent on the last
             * @example WyI2ODc2ODBjZCJd
             */
            next?: string;
        };
        Webhook: {
            id: string;
            url: string;
            /**
             * @description what is told, `operation.*` for all of a kind; empty for everything
             * @example [
             *       "operation.*"
             *     ]
             */
            types: string[];
            /** Format: date-time */
            createdAt: string;
            /** @description number of the last event that was delivered or passed over */
            delivered: number;
            /** @description failures in a row of the event that comes next */
            failures: number;
            lastError?: string;
            /** Format: date-time */
            nextAttemptAt?: string;
        };
        WebhookCreated: {
            id: string;
            url: string;
            /**
             * @description what is told, `operation.*` for all of a kind; empty for everything
             * @example [
             *       "operation.*"
             *     ]
             */
            types: string[];
            /** Format: date-time */
            createdAt: string;
            /** @description number of the last event that was delivered or passed over */
            delivered: number;
            /** @description failures in a row of the event that comes next */
            failures: number;
            lastError?: string;
            /** Format: date-time */
            nextAttemptAt?: string;
            /** @description signs the messages; it is not shown again */
            secret: string;
        };
        WebhookList: {
            webhooks: components["schemas"]["Webhook"][];
            /**
             * @description cursor of the next page; absent on the last
             * @example WyI2ODc2ODBjZCJd
             */
            next?: string;
        };
        WebhookTest: {
            delivered: boolean;
            /** @description what the other side answered */
            status?: number;
            error?: string;
        };
    };
    responses: {
        /**
         * @description Its address is too long.
         *
         *     - `uri-too-long`: The address of the call is too long.
         */
        Problem414a: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /**
         * @description A fault of the server or its machine.
         *
         *     - `internal`: A fault of Bakery.
         */
        Problem500a: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /**
         * @description It can never succeed as it is.
         *
         *     - `bad-request`: The body or a parameter does not have the shape that `openapi.yaml` says; the detail names the member.
         */
        Problem400a: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /**
         * @description No valid token came with it.
         *
         *     - `token-missing`: Send `Authorization: Bearer <token>`, or the token as the password of Basic.
         *     - `token-wrong`: That is no token of this server, or one that was revoked.
         *     - `token-expired`: The token was one of this server until its `expiresAt`.
         */
        Problem401a: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /**
         * @description It is understood and refused.
         *
         *     - `scope-too-small`: The token is valid, but its scope does not reach for this call.
         *     - `origin-refused`: A web page of another site had a browser make this call.
         *     - `host-refused`: Without tokens (`BAKERY_AUTH=off`) the server answers only to its addresses, to `localhost`, and to the names in `BAKERY_HOSTS`.
         */
        Problem403a: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /**
         * @description Too many for now.
         *
         *     - `too-many-failures`: From that address came too many calls without a valid token.
         */
        Problem429a: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /**
         * @description A part of the server is not ready; trying again may help.
         *
         *     - `database-unusable`: The file at `DB_PATH` is no database of Bakery, or one of a newer version.
         */
        Problem503a: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /**
         * @description It can never succeed as it is.
         *
         *     - `bad-request`: The body or a parameter does not have the shape that `openapi.yaml` says; the detail names the member.
         *     - `bad-json`: The body is not JSON.
         *     - `bakeform-unknown`: There is no bakeform of that name that is ready.
         *     - `bad-bakeform-name`: A bakeform name has 1 to 128 letters, digits or `.
         *     - `bad-pi-id`: A Pi id is the last 8 hex digits of its serial number (`cut -c 9-16` of `Serial` in /proc/cpuinfo).
         *     - `bad-authorized-key`: One of `authorizedKeys` is no OpenSSH public key that is taken.
         *     - `bad-user-data`: The `userData` is nothing that cloud-init can read.
         *     - `root-too-small`: The `rootSize` is less than the size that the bakeform's roots have.
         */
        Problem400b: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /**
         * @description It is understood and refused.
         *
         *     - `scope-too-small`: The token is valid, but its scope does not reach for this call.
         *     - `origin-refused`: A web page of another site had a browser make this call.
         *     - `host-refused`: Without tokens (`BAKERY_AUTH=off`) the server answers only to its addresses, to `localhost`, and to the names in `BAKERY_HOSTS`.
         *     - `no-volumes`: The server runs without volumes (`BAKERY_STORAGE=none`), as one without root must: nothing can be baked, and no image or disk be kept.
         */
        Problem403b: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /**
         * @description It came in too slowly.
         *
         *     - `body-too-slow`: The body did not come within `BAKERY_BODY_SECONDS`.
         */
        Problem408a: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /**
         * @description It is too large.
         *
         *     - `body-too-large`: A JSON body may have 1 MiB.
         */
        Problem413a: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /**
         * @description Its media type is not one that is taken.
         *
         *     - `media-type-unsupported`: The body has a Content-Type that this call does not take.
         */
        Problem415a: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /**
         * @description A part of the server is not ready; trying again may help.
         *
         *     - `database-unusable`: The file at `DB_PATH` is no database of Bakery, or one of a newer version.
         *     - `database-moved`: The file of the database was moved or deleted, or another is in its place, while the server runs.
         *     - `stopping`: The server is stopping and begins nothing new.
         */
        Problem503b: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /**
         * @description There is no room for it.
         *
         *     - `database-full`: The disk of the database (`DB_PATH`) is full.
         */
        Problem507a: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /**
         * @description It can never succeed as it is.
         *
         *     - `bad-request`: The body or a parameter does not have the shape that `openapi.yaml` says; the detail names the member.
         *     - `bad-pi-id`: A Pi id is the last 8 hex digits of its serial number (`cut -c 9-16` of `Serial` in /proc/cpuinfo).
         */
        Problem400c: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /**
         * @description It names something that does not exist.
         *
         *     - `pi-unknown`: No Pi with that id has been seen.
         */
        Problem404a: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /**
         * @description It can never succeed as it is.
         *
         *     - `bad-request`: The body or a parameter does not have the shape that `openapi.yaml` says; the detail names the member.
         *     - `bad-json`: The body is not JSON.
         *     - `bad-pi-id`: A Pi id is the last 8 hex digits of its serial number (`cut -c 9-16` of `Serial` in /proc/cpuinfo).
         */
        Problem400d: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /**
         * @description It names something that does not exist.
         *
         *     - `pi-unknown`: No Pi with that id has been seen.
         *     - `disk-unknown`: There is no disk with that id that is ready.
         */
        Problem404b: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /**
         * @description A fault of the server or its machine.
         *
         *     - `internal`: A fault of Bakery.
         *     - `tool-failed`: A program that Bakery runs failed; what it said is in the log.
         *     - `volume-missing`: The disk's file is gone from the pool, or is not mounted where it should be.
         *     - `volume-uuid`: The disk's file is not the one that the inventory knows.
         */
        Problem500b: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /**
         * @description A part of the server is not ready; trying again may help.
         *
         *     - `database-unusable`: The file at `DB_PATH` is no database of Bakery, or one of a newer version.
         *     - `database-moved`: The file of the database was moved or deleted, or another is in its place, while the server runs.
         *     - `stopping`: The server is stopping and begins nothing new.
         *     - `nfs-unavailable`: The NFS server does not run or does not answer.
         */
        Problem503c: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /**
         * @description A part of the server did not end in time.
         *
         *     - `step-timeout`: A step of the operation took longer than its limit.
         *     - `still-running`: What was asked for takes longer than 9 s, and clients of the original give up after 10.
         *     - `tool-timeout`: A program that Bakery runs did not end in time.
         */
        Problem504a: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /**
         * @description It is understood and refused.
         *
         *     - `scope-too-small`: The token is valid, but its scope does not reach for this call.
         *     - `origin-refused`: A web page of another site had a browser make this call.
         *     - `host-refused`: Without tokens (`BAKERY_AUTH=off`) the server answers only to its addresses, to `localhost`, and to the names in `BAKERY_HOSTS`.
         *     - `disk-is-root`: A Pi's root disk goes with the Pi: unbake it.
         */
        Problem403c: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /**
         * @description There is no room for it.
         *
         *     - `database-full`: The disk of the database (`DB_PATH`) is full.
         *     - `pool-full`: The pool has no room, or the host none to grow it.
         */
        Problem507b: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /**
         * @description It names something that does not exist.
         *
         *     - `bakeform-unknown`: There is no bakeform of that name that is ready.
         */
        Problem404c: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /**
         * @description It clashes with what is there now.
         *
         *     - `busy`: Another operation holds the Pi, disk or bakeform; the detail names it.
         *     - `cancelled`: The operation was cancelled and everything it had done was undone.
         *     - `interrupted`: A restart of the server interrupted the operation; everything it had done was undone.
         *     - `volume-busy`: Something on the server still uses the volume: a mount in another namespace, or an open file.
         *     - `mount-foreign`: Something else is mounted where a Pi's disk belongs.
         */
        Problem409a: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /**
         * @description It names something that does not exist.
         *
         *     - `upload-unknown`: There is no such upload in pieces: it is a bakeform already, was deleted, or was idle for a day.
         */
        Problem404d: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /**
         * @description It came in too slowly.
         *
         *     - `upload-stalled`: The upload brought nothing for `BAKERY_STALL_SECONDS`, and was undone.
         */
        Problem408b: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /**
         * @description It is too large.
         *
         *     - `body-too-large`: A JSON body may have 1 MiB.
         *     - `upload-too-large`: An upload may have `BAKERY_MAX_UPLOAD`.
         */
        Problem413b: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /**
         * @description It is understood and refused.
         *
         *     - `scope-too-small`: The token is valid, but its scope does not reach for this call.
         *     - `origin-refused`: A web page of another site had a browser make this call.
         *     - `host-refused`: Without tokens (`BAKERY_AUTH=off`) the server answers only to its addresses, to `localhost`, and to the names in `BAKERY_HOSTS`.
         *     - `no-volumes`: The server runs without volumes (`BAKERY_STORAGE=none`), as one without root must: nothing can be baked, and no image or disk be kept.
         *     - `disk-is-root`: A Pi's root disk goes with the Pi: unbake it.
         */
        Problem403d: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /**
         * @description A part of the server did not end in time.
         *
         *     - `step-timeout`: A step of the operation took longer than its limit.
         *     - `still-running`: What was asked for takes longer than 9 s, and clients of the original give up after 10.
         *     - `tool-timeout`: A program that Bakery runs did not end in time.
         *     - `snapshot-too-slow`: The disk could not be copied in the second for which it may be held still.
         */
        Problem504b: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /**
         * @description It names something that does not exist.
         *
         *     - `disk-unknown`: There is no disk with that id that is ready.
         */
        Problem404e: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /**
         * @description It can never succeed as it is.
         *
         *     - `bad-request`: The body or a parameter does not have the shape that `openapi.yaml` says; the detail names the member.
         *     - `bad-json`: The body is not JSON.
         *     - `bad-disk-id`: A disk id is a UUID.
         */
        Problem400e: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /**
         * @description A part of the server is not ready; trying again may help.
         *
         *     - `database-unusable`: The file at `DB_PATH` is no database of Bakery, or one of a newer version.
         *     - `database-moved`: The file of the database was moved or deleted, or another is in its place, while the server runs.
         */
        Problem503d: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /**
         * @description It can never succeed as it is.
         *
         *     - `bad-request`: The body or a parameter does not have the shape that `openapi.yaml` says; the detail names the member.
         *     - `bad-json`: The body is not JSON.
         */
        Problem400f: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /**
         * @description It clashes with what is there now.
         *
         *     - `busy`: Another operation holds the Pi, disk or bakeform; the detail names it.
         *     - `disk-attached`: The disk is attached to a Pi; detach it first.
         */
        Problem409b: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /**
         * @description It can never succeed as it is.
         *
         *     - `bad-request`: The body or a parameter does not have the shape that `openapi.yaml` says; the detail names the member.
         *     - `bad-cursor`: The cursor of a page is the `next` of the page before it.
         */
        Problem400g: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /**
         * @description It names something that does not exist.
         *
         *     - `operation-unknown`: There is no such operation, or it ended so long ago that it is no longer kept.
         */
        Problem404f: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /**
         * @description It names something that does not exist.
         *
         *     - `webhook-unknown`: There is no webhook with that id.
         */
        Problem404g: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /**
         * @description It names something that does not exist.
         *
         *     - `snapshot-unknown`: There is no snapshot with that id, or it is of another disk.
         */
        Problem404h: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /**
         * @description A part of the server is not ready; trying again may help.
         *
         *     - `database-unusable`: The file at `DB_PATH` is no database of Bakery, or one of a newer version.
         *     - `database-moved`: The file of the database was moved or deleted, or another is in its place, while the server runs.
         *     - `key-unusable`: The file of the key that seals credentials (`BAKERY_KEY_FILE`) cannot be read, is no key, or cannot be made; the detail says which.
         */
        Problem503e: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /**
         * @description It names something that does not exist.
         *
         *     - `switch-unknown`: There is no switch of that name.
         */
        Problem404i: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /**
         * @description It clashes with what is there now.
         *
         *     - `switch-unusable`: The switch cannot be used before its settings are mended: its credentials cannot be read ([backup.md](backup.md) says what their key is), or the server has no such kind any more.
         *     - `switch-cannot-tell`: That kind of switch has no such question: no list of its ports, or no power of one.
         *     - `switch-refused`: The switch answered, and will answer so again: most often its credentials are wrong, or it is another device than its kind says.
         */
        Problem409c: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /**
         * @description A part of the server is not ready; trying again may help.
         *
         *     - `database-unusable`: The file at `DB_PATH` is no database of Bakery, or one of a newer version.
         *     - `database-moved`: The file of the database was moved or deleted, or another is in its place, while the server runs.
         *     - `switch-failed`: The switch did not answer as it should; it may in a moment.
         *     - `stopping`: The server is stopping and begins nothing new.
         */
        Problem503f: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /**
         * @description A part of the server did not end in time.
         *
         *     - `switch-timeout`: The switch did not answer within 10 s, the wait for others who use it counted in.
         */
        Problem504c: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /**
         * @description It is understood and refused.
         *
         *     - `scope-too-small`: The token is valid, but its scope does not reach for this call.
         *     - `origin-refused`: A web page of another site had a browser make this call.
         *     - `host-refused`: Without tokens (`BAKERY_AUTH=off`) the server answers only to its addresses, to `localhost`, and to the names in `BAKERY_HOSTS`.
         *     - `path-refused`: A part of the path is a link or no regular file.
         */
        Problem403e: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /**
         * @description It clashes with what is there now.
         *
         *     - `pi-not-baked`: The call needs a Pi with status 2.
         */
        Problem409d: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /**
         * @description It asks for another version.
         *
         *     - `tus-version`: The client names a version of the tus protocol that the server does not speak.
         */
        Problem412a: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
    };
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    getHealth: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "status": "ok"
                     *     }
                     */
                    "application/json": components["schemas"]["Health"];
                };
            };
            414: components["responses"]["Problem414a"];
            500: components["responses"]["Problem500a"];
        };
    };
    getReadiness: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "status": "degraded",
                     *       "parts": [
                     *         {
                     *           "part": "database",
                     *           "state": "ready",
                     *           "detail": "it answers"
                     *         },
                     *         {
                     *           "part": "backup",
                     *           "state": "degraded",
                     *           "detail": "the last one failed; it is tried again"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["Readiness"];
                };
            };
            414: components["responses"]["Problem414a"];
            500: components["responses"]["Problem500a"];
            /** @description A part of the server is not ready; trying again may help. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "status": "degraded",
                     *       "parts": [
                     *         {
                     *           "part": "database",
                     *           "state": "ready",
                     *           "detail": "it answers"
                     *         },
                     *         {
                     *           "part": "backup",
                     *           "state": "degraded",
                     *           "detail": "the last one failed; it is tried again"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["Readiness"];
                };
            };
        };
    };
    getMetrics: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the text format of Prometheus, version 0.0.4 */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                };
            };
            400: components["responses"]["Problem400a"];
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403a"];
            414: components["responses"]["Problem414a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500a"];
            503: components["responses"]["Problem503a"];
        };
    };
    listFridge: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "687680cd": {
                     *         "id": "687680cd",
                     *         "status": 1,
                     *         "disks": [
                     *           {
                     *             "id": "0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b",
                     *             "location": "/srv/bakery/nfs/0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b",
                     *             "size": 1024,
                     *             "nfsAddress": "192.0.2.1"
                     *           }
                     *         ],
                     *         "sourceBakeform": {
                     *           "name": "raspios",
                     *           "location": "/srv/bakery/nfs/0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b"
                     *         },
                     *         "state": "fridge",
                     *         "address": "192.0.2.44",
                     *         "mac": "b8:27:eb:76:80:cd",
                     *         "desiredPower": "on",
                     *         "maintenance": false,
                     *         "awaitOff": false
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["PiMap"];
                };
            };
            400: components["responses"]["Problem400a"];
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403a"];
            414: components["responses"]["Problem414a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500a"];
            503: components["responses"]["Problem503a"];
        };
    };
    bakePi: {
        parameters: {
            query?: never;
            header?: {
                /** @description A name of your choice for this request. Sent again with the same name it does nothing new and gets the same answer, also after a restart of the server. */
                "idempotency-key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "bakeformName": "raspios"
                 *     }
                 */
                "application/json": components["schemas"]["BakeRequest"];
            };
        };
        responses: {
            /** @description Begun; the work goes on. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "687680cd",
                     *       "status": 1,
                     *       "disks": [
                     *         {
                     *           "id": "0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b",
                     *           "location": "/srv/bakery/nfs/0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b",
                     *           "size": 1024,
                     *           "nfsAddress": "192.0.2.1"
                     *         }
                     *       ],
                     *       "sourceBakeform": {
                     *         "name": "raspios",
                     *         "location": "/srv/bakery/nfs/0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b"
                     *       },
                     *       "state": "fridge",
                     *       "address": "192.0.2.44",
                     *       "mac": "b8:27:eb:76:80:cd",
                     *       "desiredPower": "on",
                     *       "maintenance": false,
                     *       "awaitOff": false
                     *     }
                     */
                    "application/json": components["schemas"]["PiInfo"];
                };
            };
            400: components["responses"]["Problem400b"];
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403b"];
            /**
             * @description It names something that does not exist.
             *
             *     - `no-free-pi`: Every Pi of the fridge is in use, flagged (`maintenance`, `quarantine`, `awaitOff`) or has a `fault`, or none that is free has what was asked for: the message says which wish none meets.
             *     - `pi-unknown`: No Pi with that id has been seen.
             */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            408: components["responses"]["Problem408a"];
            /**
             * @description It clashes with what is there now.
             *
             *     - `busy`: Another operation holds the Pi, disk or bakeform; the detail names it.
             *     - `idempotency-mismatch`: The Idempotency-Key of the request was used before, for another request.
             *     - `pi-not-free`: The Pi that was asked for by `piId` cannot be baked now.
             *     - `pi-unsuitable`: The Pi that was asked for by `piId` is free, but has not what else was asked for.
             *     - `exports-exhausted`: An NFS server has 65,535 export ids and all are in use.
             */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["Problem413a"];
            414: components["responses"]["Problem414a"];
            415: components["responses"]["Problem415a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500a"];
            503: components["responses"]["Problem503b"];
            507: components["responses"]["Problem507a"];
        };
    };
    listOven: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "687680cd": {
                     *         "id": "687680cd",
                     *         "status": 1,
                     *         "disks": [
                     *           {
                     *             "id": "0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b",
                     *             "location": "/srv/bakery/nfs/0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b",
                     *             "size": 1024,
                     *             "nfsAddress": "192.0.2.1"
                     *           }
                     *         ],
                     *         "sourceBakeform": {
                     *           "name": "raspios",
                     *           "location": "/srv/bakery/nfs/0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b"
                     *         },
                     *         "state": "fridge",
                     *         "address": "192.0.2.44",
                     *         "mac": "b8:27:eb:76:80:cd",
                     *         "desiredPower": "on",
                     *         "maintenance": false,
                     *         "awaitOff": false
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["PiMap"];
                };
            };
            400: components["responses"]["Problem400a"];
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403a"];
            414: components["responses"]["Problem414a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500a"];
            503: components["responses"]["Problem503a"];
        };
    };
    getPi: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 687680cd */
                piId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "687680cd",
                     *       "status": 1,
                     *       "disks": [
                     *         {
                     *           "id": "0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b",
                     *           "location": "/srv/bakery/nfs/0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b",
                     *           "size": 1024,
                     *           "nfsAddress": "192.0.2.1"
                     *         }
                     *       ],
                     *       "sourceBakeform": {
                     *         "name": "raspios",
                     *         "location": "/srv/bakery/nfs/0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b"
                     *       },
                     *       "state": "fridge",
                     *       "address": "192.0.2.44",
                     *       "mac": "b8:27:eb:76:80:cd",
                     *       "desiredPower": "on",
                     *       "maintenance": false,
                     *       "awaitOff": false
                     *     }
                     */
                    "application/json": components["schemas"]["PiInfo"];
                };
            };
            400: components["responses"]["Problem400c"];
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403a"];
            404: components["responses"]["Problem404a"];
            414: components["responses"]["Problem414a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500a"];
            503: components["responses"]["Problem503a"];
        };
    };
    unbakePi: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 687680cd */
                piId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "687680cd",
                     *       "status": 1,
                     *       "disks": [
                     *         {
                     *           "id": "0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b",
                     *           "location": "/srv/bakery/nfs/0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b",
                     *           "size": 1024,
                     *           "nfsAddress": "192.0.2.1"
                     *         }
                     *       ],
                     *       "sourceBakeform": {
                     *         "name": "raspios",
                     *         "location": "/srv/bakery/nfs/0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b"
                     *       },
                     *       "state": "fridge",
                     *       "address": "192.0.2.44",
                     *       "mac": "b8:27:eb:76:80:cd",
                     *       "desiredPower": "on",
                     *       "maintenance": false,
                     *       "awaitOff": false
                     *     }
                     */
                    "application/json": components["schemas"]["PiInfo"];
                };
            };
            400: components["responses"]["Problem400d"];
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403a"];
            404: components["responses"]["Problem404a"];
            408: components["responses"]["Problem408a"];
            /**
             * @description It clashes with what is there now.
             *
             *     - `busy`: Another operation holds the Pi, disk or bakeform; the detail names it.
             *     - `pi-state`: The Pi cannot go from the state it is in to the one asked for.
             *     - `not-stuck`: Only a stuck operation can be tried again.
             */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["Problem413a"];
            414: components["responses"]["Problem414a"];
            415: components["responses"]["Problem415a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500a"];
            503: components["responses"]["Problem503b"];
            507: components["responses"]["Problem507a"];
        };
    };
    powercyclePi: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 687680cd */
                piId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "687680cd",
                     *       "status": 1,
                     *       "disks": [
                     *         {
                     *           "id": "0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b",
                     *           "location": "/srv/bakery/nfs/0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b",
                     *           "size": 1024,
                     *           "nfsAddress": "192.0.2.1"
                     *         }
                     *       ],
                     *       "sourceBakeform": {
                     *         "name": "raspios",
                     *         "location": "/srv/bakery/nfs/0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b"
                     *       },
                     *       "state": "fridge",
                     *       "address": "192.0.2.44",
                     *       "mac": "b8:27:eb:76:80:cd",
                     *       "desiredPower": "on",
                     *       "maintenance": false,
                     *       "awaitOff": false
                     *     }
                     */
                    "application/json": components["schemas"]["PiInfo"];
                };
            };
            400: components["responses"]["Problem400d"];
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403a"];
            404: components["responses"]["Problem404a"];
            408: components["responses"]["Problem408a"];
            /**
             * @description It clashes with what is there now.
             *
             *     - `pi-not-baked`: The call needs a Pi with status 2.
             *     - `overtaken`: A later power request for the same Pi came first: an unbake's, for one.
             *     - `power-not-configured`: The Pi is bound to no port of the power driver, or to a port of a switch that there is not.
             *     - `port-not-ours`: The port was not switched, since it may cut the power of something else.
             *     - `cancelled`: The operation was cancelled and everything it had done was undone.
             */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["Problem413a"];
            414: components["responses"]["Problem414a"];
            415: components["responses"]["Problem415a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500a"];
            /**
             * @description A part of the server is not ready; trying again may help.
             *
             *     - `database-unusable`: The file at `DB_PATH` is no database of Bakery, or one of a newer version.
             *     - `database-moved`: The file of the database was moved or deleted, or another is in its place, while the server runs.
             *     - `power-failed`: The switch refused, or failed after every retry.
             */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /**
             * @description A part of the server did not end in time.
             *
             *     - `power-timeout`: The switch did not answer in time.
             *     - `step-timeout`: A step of the operation took longer than its limit.
             */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            507: components["responses"]["Problem507a"];
        };
    };
    attachDisk: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 687680cd */
                piId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "diskId": "0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b"
                 *     }
                 */
                "application/json": components["schemas"]["AttachDisk"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "687680cd",
                     *       "status": 1,
                     *       "disks": [
                     *         {
                     *           "id": "0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b",
                     *           "location": "/srv/bakery/nfs/0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b",
                     *           "size": 1024,
                     *           "nfsAddress": "192.0.2.1"
                     *         }
                     *       ],
                     *       "sourceBakeform": {
                     *         "name": "raspios",
                     *         "location": "/srv/bakery/nfs/0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b"
                     *       },
                     *       "state": "fridge",
                     *       "address": "192.0.2.44",
                     *       "mac": "b8:27:eb:76:80:cd",
                     *       "desiredPower": "on",
                     *       "maintenance": false,
                     *       "awaitOff": false
                     *     }
                     */
                    "application/json": components["schemas"]["PiInfo"];
                };
            };
            /**
             * @description It can never succeed as it is.
             *
             *     - `bad-request`: The body or a parameter does not have the shape that `openapi.yaml` says; the detail names the member.
             *     - `bad-json`: The body is not JSON.
             *     - `bad-pi-id`: A Pi id is the last 8 hex digits of its serial number (`cut -c 9-16` of `Serial` in /proc/cpuinfo).
             *     - `bad-disk-id`: A disk id is a UUID.
             *     - `root-unfit`: A file in the root of the image, or of a Pi, cannot be read or changed as it must be: it is a folder or a device, it is immutable (`chattr +i`), or the file system is damaged or full.
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            401: components["responses"]["Problem401a"];
            /**
             * @description It is understood and refused.
             *
             *     - `scope-too-small`: The token is valid, but its scope does not reach for this call.
             *     - `origin-refused`: A web page of another site had a browser make this call.
             *     - `host-refused`: Without tokens (`BAKERY_AUTH=off`) the server answers only to its addresses, to `localhost`, and to the names in `BAKERY_HOSTS`.
             *     - `disk-is-root`: A Pi's root disk goes with the Pi: unbake it.
             *     - `path-refused`: A part of the path is a link or no regular file.
             */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: components["responses"]["Problem404b"];
            408: components["responses"]["Problem408a"];
            /**
             * @description It clashes with what is there now.
             *
             *     - `busy`: Another operation holds the Pi, disk or bakeform; the detail names it.
             *     - `cancelled`: The operation was cancelled and everything it had done was undone.
             *     - `interrupted`: A restart of the server interrupted the operation; everything it had done was undone.
             *     - `volume-busy`: Something on the server still uses the volume: a mount in another namespace, or an open file.
             *     - `mount-foreign`: Something else is mounted where a Pi's disk belongs.
             *     - `pi-not-baked`: The call needs a Pi with status 2.
             *     - `disk-attached`: The disk is attached to a Pi; detach it first.
             */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["Problem413a"];
            414: components["responses"]["Problem414a"];
            415: components["responses"]["Problem415a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500b"];
            503: components["responses"]["Problem503c"];
            504: components["responses"]["Problem504a"];
            /**
             * @description There is no room for it.
             *
             *     - `database-full`: The disk of the database (`DB_PATH`) is full.
             *     - `pool-full`: The pool has no room, or the host none to grow it.
             *     - `root-full`: The Pi's root has no room for the file.
             */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    detachDisk: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 687680cd */
                piId: string;
                /** @example 0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b */
                diskId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "687680cd",
                     *       "status": 1,
                     *       "disks": [
                     *         {
                     *           "id": "0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b",
                     *           "location": "/srv/bakery/nfs/0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b",
                     *           "size": 1024,
                     *           "nfsAddress": "192.0.2.1"
                     *         }
                     *       ],
                     *       "sourceBakeform": {
                     *         "name": "raspios",
                     *         "location": "/srv/bakery/nfs/0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b"
                     *       },
                     *       "state": "fridge",
                     *       "address": "192.0.2.44",
                     *       "mac": "b8:27:eb:76:80:cd",
                     *       "desiredPower": "on",
                     *       "maintenance": false,
                     *       "awaitOff": false
                     *     }
                     */
                    "application/json": components["schemas"]["PiInfo"];
                };
            };
            /**
             * @description It can never succeed as it is.
             *
             *     - `bad-request`: The body or a parameter does not have the shape that `openapi.yaml` says; the detail names the member.
             *     - `bad-json`: The body is not JSON.
             *     - `bad-pi-id`: A Pi id is the last 8 hex digits of its serial number (`cut -c 9-16` of `Serial` in /proc/cpuinfo).
             *     - `bad-disk-id`: A disk id is a UUID.
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403c"];
            404: components["responses"]["Problem404b"];
            408: components["responses"]["Problem408a"];
            /**
             * @description It clashes with what is there now.
             *
             *     - `busy`: Another operation holds the Pi, disk or bakeform; the detail names it.
             *     - `cancelled`: The operation was cancelled and everything it had done was undone.
             *     - `interrupted`: A restart of the server interrupted the operation; everything it had done was undone.
             *     - `volume-busy`: Something on the server still uses the volume: a mount in another namespace, or an open file.
             *     - `mount-foreign`: Something else is mounted where a Pi's disk belongs.
             *     - `pi-not-baked`: The call needs a Pi with status 2.
             *     - `disk-not-attached`: The disk is attached to another Pi than the one named.
             */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["Problem413a"];
            414: components["responses"]["Problem414a"];
            415: components["responses"]["Problem415a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500b"];
            503: components["responses"]["Problem503c"];
            504: components["responses"]["Problem504a"];
            507: components["responses"]["Problem507b"];
        };
    };
    listBakeforms: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "raspios": {
                     *         "name": "raspios",
                     *         "location": "/srv/bakery/nfs/0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b",
                     *         "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                     *         "bytes": 2147483648,
                     *         "notes": []
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["BakeformMap"];
                };
            };
            400: components["responses"]["Problem400a"];
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403a"];
            414: components["responses"]["Problem414a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500a"];
            503: components["responses"]["Problem503a"];
        };
    };
    getBakeform: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example raspios */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "name": "raspios",
                     *       "location": "/srv/bakery/nfs/0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b",
                     *       "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                     *       "bytes": 2147483648,
                     *       "notes": [],
                     *       "createdAt": "2026-11-24T12:00:00.000Z",
                     *       "bootFolder": "boot/firmware",
                     *       "rootUsedBytes": 2147483648,
                     *       "rootSizeBytes": 8589934592,
                     *       "pis": 12,
                     *       "lint": [
                     *         {
                     *           "code": "no-login",
                     *           "level": "info",
                     *           "message": "nobody can log in: no password and no key is set",
                     *           "path": "etc/fstab"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["BakeformDetail"];
                };
            };
            /**
             * @description It can never succeed as it is.
             *
             *     - `bad-request`: The body or a parameter does not have the shape that `openapi.yaml` says; the detail names the member.
             *     - `bad-bakeform-name`: A bakeform name has 1 to 128 letters, digits or `.
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403a"];
            404: components["responses"]["Problem404c"];
            414: components["responses"]["Problem414a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500a"];
            503: components["responses"]["Problem503a"];
        };
    };
    uploadBakeform: {
        parameters: {
            query?: {
                /**
                 * @description of the bytes that are sent: other bytes make no bakeform
                 * @example 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
                 */
                sha256?: string;
                /** @description an upload that is whole, see /uploads: it is made of that, and no body is sent */
                upload?: string;
                /**
                 * @description whether its root is changed so that it netboots; `false` only tells what would have been
                 * @example false
                 */
                prepare?: boolean;
            };
            header?: {
                /** @description A name of your choice for this request. Sent again with the same name it does nothing new and gets the same answer, also after a restart of the server. */
                "idempotency-key"?: string;
            };
            path: {
                /** @example raspios */
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/x-raw-disk-image": string;
            };
        };
        responses: {
            /** @description Made. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "name": "raspios",
                     *       "location": "/srv/bakery/nfs/0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b",
                     *       "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                     *       "bytes": 2147483648,
                     *       "notes": []
                     *     }
                     */
                    "application/json": components["schemas"]["Bakeform"];
                };
            };
            /**
             * @description It can never succeed as it is.
             *
             *     - `bad-request`: The body or a parameter does not have the shape that `openapi.yaml` says; the detail names the member.
             *     - `bad-bakeform-name`: A bakeform name has 1 to 128 letters, digits or `.
             *     - `bad-upload-id`: The id of an upload is a UUID, as `POST /uploads` told it.
             *     - `upload-cut-off`: The connection ended before the body was whole.
             *     - `sha-differs`: The bytes that came have another SHA-256 than the address says.
             *     - `image-empty`: The body has no bytes.
             *     - `image-packed`: The image was packed more than once.
             *     - `image-unpack-failed`: The image is packed (xz, gzip, zstd or zip), and its bytes are damaged or end too early; or unpacking it takes more than 256 MiB of memory; or a zip is encrypted, or packed with another method than deflate.
             *     - `image-too-large`: Unpacked, the image has more bytes than an upload may have (`BAKERY_MAX_UPLOAD`).
             *     - `archive-unknown`: The upload is a tar, and holds neither a root (`etc` and `usr` at its top), nor one image, nor `root.tar`; or its `stemcell.MF` cannot be read; or it is a zip with no image in it, or with more than one.
             *     - `archive-unfit`: The root or the boot files in the archive cannot be unpacked: they need more room than a root has, or hold what no ext4 takes.
             *     - `image-not-an-image`: There is no partition table in it.
             *     - `image-partitions`: The image must have an MBR or a GPT with a FAT boot and a Linux root partition that do not overlap.
             *     - `image-truncated`: A partition ends beyond the end of the file: the image is incomplete.
             *     - `image-root-not-ext4`: The Linux partition holds no ext4.
             *     - `image-boot-unreadable`: The FAT partition cannot be read.
             *     - `filesystem-broken`: e2fsck could not repair the ext4 of the image.
             *     - `filesystem-unmountable`: The ext4 of the image passed e2fsck and still cannot be mounted here: it uses a feature that this kernel does not have.
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            401: components["responses"]["Problem401a"];
            /**
             * @description It is understood and refused.
             *
             *     - `scope-too-small`: The token is valid, but its scope does not reach for this call.
             *     - `origin-refused`: A web page of another site had a browser make this call.
             *     - `host-refused`: Without tokens (`BAKERY_AUTH=off`) the server answers only to its addresses, to `localhost`, and to the names in `BAKERY_HOSTS`.
             *     - `no-volumes`: The server runs without volumes (`BAKERY_STORAGE=none`), as one without root must: nothing can be baked, and no image or disk be kept.
             *     - `bakeform-exists`: The name is taken.
             */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: components["responses"]["Problem404d"];
            408: components["responses"]["Problem408b"];
            /**
             * @description It clashes with what is there now.
             *
             *     - `busy`: Another operation holds the Pi, disk or bakeform; the detail names it.
             *     - `cancelled`: The operation was cancelled and everything it had done was undone.
             *     - `interrupted`: A restart of the server interrupted the operation; everything it had done was undone.
             *     - `volume-busy`: Something on the server still uses the volume: a mount in another namespace, or an open file.
             *     - `mount-foreign`: Something else is mounted where a Pi's disk belongs.
             *     - `idempotency-mismatch`: The Idempotency-Key of the request was used before, for another request.
             *     - `upload-incomplete`: A bakeform was to be made of an upload of which some bytes are still missing.
             */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["Problem413b"];
            414: components["responses"]["Problem414a"];
            415: components["responses"]["Problem415a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500b"];
            503: components["responses"]["Problem503c"];
            504: components["responses"]["Problem504a"];
            507: components["responses"]["Problem507b"];
        };
    };
    deleteBakeform: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example raspios */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "name": "raspios",
                     *       "location": "/srv/bakery/nfs/0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b",
                     *       "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                     *       "bytes": 2147483648,
                     *       "notes": []
                     *     }
                     */
                    "application/json": components["schemas"]["Bakeform"];
                };
            };
            /**
             * @description It can never succeed as it is.
             *
             *     - `bad-request`: The body or a parameter does not have the shape that `openapi.yaml` says; the detail names the member.
             *     - `bad-json`: The body is not JSON.
             *     - `bad-bakeform-name`: A bakeform name has 1 to 128 letters, digits or `.
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403a"];
            404: components["responses"]["Problem404c"];
            408: components["responses"]["Problem408a"];
            409: components["responses"]["Problem409a"];
            413: components["responses"]["Problem413a"];
            414: components["responses"]["Problem414a"];
            415: components["responses"]["Problem415a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500b"];
            503: components["responses"]["Problem503c"];
            504: components["responses"]["Problem504a"];
            507: components["responses"]["Problem507b"];
        };
    };
    listDisks: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "disks": {
                     *         "0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b": {
                     *           "id": "0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b",
                     *           "location": "/srv/bakery/nfs/0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b",
                     *           "size": 1024,
                     *           "nfsAddress": "192.0.2.1"
                     *         }
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["DiskMap"];
                };
            };
            400: components["responses"]["Problem400a"];
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403a"];
            414: components["responses"]["Problem414a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500a"];
            503: components["responses"]["Problem503a"];
        };
    };
    createDisk: {
        parameters: {
            query?: never;
            header?: {
                /** @description A name of your choice for this request. Sent again with the same name it does nothing new and gets the same answer, also after a restart of the server. */
                "idempotency-key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "size": 1024
                 *     }
                 */
                "application/json": components["schemas"]["CreateDisk"];
            };
        };
        responses: {
            /** @description Made. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b",
                     *       "location": "/srv/bakery/nfs/0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b",
                     *       "size": 1024,
                     *       "nfsAddress": "192.0.2.1"
                     *     }
                     */
                    "application/json": components["schemas"]["Disk"];
                };
            };
            /**
             * @description It can never succeed as it is.
             *
             *     - `bad-request`: The body or a parameter does not have the shape that `openapi.yaml` says; the detail names the member.
             *     - `bad-json`: The body is not JSON.
             *     - `source-unknown`: There is neither a disk nor a snapshot with the id that the new disk is to be made from.
             *     - `disk-not-larger`: The disk has that size already, or more; a disk is never made smaller.
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403d"];
            408: components["responses"]["Problem408a"];
            /**
             * @description It clashes with what is there now.
             *
             *     - `busy`: Another operation holds the Pi, disk or bakeform; the detail names it.
             *     - `cancelled`: The operation was cancelled and everything it had done was undone.
             *     - `interrupted`: A restart of the server interrupted the operation; everything it had done was undone.
             *     - `volume-busy`: Something on the server still uses the volume: a mount in another namespace, or an open file.
             *     - `mount-foreign`: Something else is mounted where a Pi's disk belongs.
             *     - `idempotency-mismatch`: The Idempotency-Key of the request was used before, for another request.
             *     - `exports-exhausted`: An NFS server has 65,535 export ids and all are in use.
             *     - `disk-name-taken`: Another disk is called so.
             *     - `snapshot-needs-reflink`: The pool cannot share blocks, so that a copy takes long, and the disk may be written on meanwhile.
             *     - `disk-image-missing`: The disk holds no `disk.img` any more: its Pi has removed it.
             */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["Problem413a"];
            414: components["responses"]["Problem414a"];
            415: components["responses"]["Problem415a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500b"];
            503: components["responses"]["Problem503c"];
            504: components["responses"]["Problem504b"];
            507: components["responses"]["Problem507b"];
        };
    };
    getDisk: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b */
                diskId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b",
                     *       "location": "/srv/bakery/nfs/0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b",
                     *       "size": 1024,
                     *       "nfsAddress": "192.0.2.1",
                     *       "role": "root",
                     *       "name": "postgres-data",
                     *       "createdAt": "2026-11-24T12:00:00.000Z",
                     *       "attachedTo": "687680cd",
                     *       "snapshots": 2
                     *     }
                     */
                    "application/json": components["schemas"]["DiskDetail"];
                };
            };
            /**
             * @description It can never succeed as it is.
             *
             *     - `bad-request`: The body or a parameter does not have the shape that `openapi.yaml` says; the detail names the member.
             *     - `bad-disk-id`: A disk id is a UUID.
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403a"];
            404: components["responses"]["Problem404e"];
            414: components["responses"]["Problem414a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500a"];
            503: components["responses"]["Problem503a"];
        };
    };
    deleteDisk: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b */
                diskId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /** @example {} */
                    "application/json": Record<string, never>;
                };
            };
            400: components["responses"]["Problem400f"];
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403c"];
            408: components["responses"]["Problem408a"];
            /**
             * @description It clashes with what is there now.
             *
             *     - `busy`: Another operation holds the Pi, disk or bakeform; the detail names it.
             *     - `cancelled`: The operation was cancelled and everything it had done was undone.
             *     - `interrupted`: A restart of the server interrupted the operation; everything it had done was undone.
             *     - `volume-busy`: Something on the server still uses the volume: a mount in another namespace, or an open file.
             *     - `mount-foreign`: Something else is mounted where a Pi's disk belongs.
             *     - `disk-attached`: The disk is attached to a Pi; detach it first.
             */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["Problem413a"];
            414: components["responses"]["Problem414a"];
            415: components["responses"]["Problem415a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500b"];
            503: components["responses"]["Problem503c"];
            504: components["responses"]["Problem504a"];
            507: components["responses"]["Problem507b"];
        };
    };
    patchDisk: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b */
                diskId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "name": "pg-1"
                 *     }
                 */
                "application/json": components["schemas"]["PatchDisk"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b",
                     *       "location": "/srv/bakery/nfs/0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b",
                     *       "size": 1024,
                     *       "nfsAddress": "192.0.2.1",
                     *       "role": "root",
                     *       "name": "postgres-data",
                     *       "createdAt": "2026-11-24T12:00:00.000Z",
                     *       "attachedTo": "687680cd",
                     *       "snapshots": 2
                     *     }
                     */
                    "application/json": components["schemas"]["DiskDetail"];
                };
            };
            400: components["responses"]["Problem400e"];
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403a"];
            404: components["responses"]["Problem404e"];
            408: components["responses"]["Problem408a"];
            /**
             * @description It clashes with what is there now.
             *
             *     - `disk-name-taken`: Another disk is called so.
             */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["Problem413a"];
            414: components["responses"]["Problem414a"];
            415: components["responses"]["Problem415a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500a"];
            503: components["responses"]["Problem503d"];
            507: components["responses"]["Problem507a"];
        };
    };
    growDisk: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b */
                diskId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "sizeMiB": 2048,
                 *       "mayInterrupt": false
                 *     }
                 */
                "application/json": components["schemas"]["GrowDisk"];
            };
        };
        responses: {
            /** @description Begun; the work goes on. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "6ca84799-6d3f-455d-ba4c-2822047e58c2",
                     *       "kind": "bake",
                     *       "state": "running",
                     *       "createdAt": "2026-11-24T12:00:00.000Z",
                     *       "endedAt": "2026-11-24T12:00:00.000Z",
                     *       "pi": "687680cd",
                     *       "disk": "0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b",
                     *       "bakeform": "raspios",
                     *       "actor": "admin",
                     *       "steps": [
                     *         {
                     *           "name": "clone",
                     *           "state": "waiting",
                     *           "startedAt": "2026-11-24T12:00:00.000Z",
                     *           "endedAt": "2026-11-24T12:00:00.000Z"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["Operation"];
                };
            };
            /**
             * @description It can never succeed as it is.
             *
             *     - `bad-request`: The body or a parameter does not have the shape that `openapi.yaml` says; the detail names the member.
             *     - `bad-json`: The body is not JSON.
             *     - `bad-disk-id`: A disk id is a UUID.
             *     - `disk-not-larger`: The disk has that size already, or more; a disk is never made smaller.
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403c"];
            404: components["responses"]["Problem404e"];
            408: components["responses"]["Problem408a"];
            409: components["responses"]["Problem409b"];
            413: components["responses"]["Problem413a"];
            414: components["responses"]["Problem414a"];
            415: components["responses"]["Problem415a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500a"];
            503: components["responses"]["Problem503b"];
            507: components["responses"]["Problem507a"];
        };
    };
    listTrash: {
        parameters: {
            query?: {
                /**
                 * @description items of a page
                 * @example 50
                 */
                limit?: number;
                /** @description `next` of the page before */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "disks": [
                     *         {
                     *           "id": "0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b",
                     *           "role": "root",
                     *           "size": 1024,
                     *           "pi": "687680cd",
                     *           "bakeform": "raspios",
                     *           "discardedAt": "2026-11-24T12:00:00.000Z",
                     *           "keptForSeconds": 3600,
                     *           "secondsLeft": 82800
                     *         }
                     *       ],
                     *       "next": "WyI2ODc2ODBjZCJd"
                     *     }
                     */
                    "application/json": components["schemas"]["TrashList"];
                };
            };
            400: components["responses"]["Problem400g"];
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403a"];
            414: components["responses"]["Problem414a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500a"];
            503: components["responses"]["Problem503a"];
        };
    };
    restoreDisk: {
        parameters: {
            query?: never;
            header?: {
                /** @description A name of your choice for this request. Sent again with the same name it does nothing new and gets the same answer, also after a restart of the server. */
                "idempotency-key"?: string;
            };
            path: {
                /** @example 0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b */
                diskId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Made. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b",
                     *       "location": "/srv/bakery/nfs/0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b",
                     *       "size": 1024,
                     *       "nfsAddress": "192.0.2.1"
                     *     }
                     */
                    "application/json": components["schemas"]["Disk"];
                };
            };
            400: components["responses"]["Problem400e"];
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403a"];
            /**
             * @description It names something that does not exist.
             *
             *     - `not-in-trash`: The disk was never destroyed, was restored, or has been deleted from the trash for good.
             *     - `pi-unknown`: No Pi with that id has been seen.
             */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            408: components["responses"]["Problem408a"];
            /**
             * @description It clashes with what is there now.
             *
             *     - `busy`: Another operation holds the Pi, disk or bakeform; the detail names it.
             *     - `cancelled`: The operation was cancelled and everything it had done was undone.
             *     - `interrupted`: A restart of the server interrupted the operation; everything it had done was undone.
             *     - `volume-busy`: Something on the server still uses the volume: a mount in another namespace, or an open file.
             *     - `mount-foreign`: Something else is mounted where a Pi's disk belongs.
             *     - `idempotency-mismatch`: The Idempotency-Key of the request was used before, for another request.
             *     - `restore-without-pi`: A root can only be restored under the Pi it belonged to, and that is not known.
             *     - `pi-in-use`: The root of an unbaked Pi can only be restored while that Pi is in the fridge, and only a Pi in the fridge can be forgotten.
             *     - `exports-exhausted`: An NFS server has 65,535 export ids and all are in use.
             */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["Problem413a"];
            414: components["responses"]["Problem414a"];
            415: components["responses"]["Problem415a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500b"];
            503: components["responses"]["Problem503c"];
            504: components["responses"]["Problem504a"];
            507: components["responses"]["Problem507b"];
        };
    };
    purgeDisk: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b */
                diskId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /** @example {} */
                    "application/json": Record<string, never>;
                };
            };
            400: components["responses"]["Problem400e"];
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403a"];
            /**
             * @description It names something that does not exist.
             *
             *     - `not-in-trash`: The disk was never destroyed, was restored, or has been deleted from the trash for good.
             */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            408: components["responses"]["Problem408a"];
            409: components["responses"]["Problem409a"];
            413: components["responses"]["Problem413a"];
            414: components["responses"]["Problem414a"];
            415: components["responses"]["Problem415a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500b"];
            503: components["responses"]["Problem503c"];
            504: components["responses"]["Problem504a"];
            507: components["responses"]["Problem507b"];
        };
    };
    listOperations: {
        parameters: {
            query?: {
                /**
                 * @description items of a page
                 * @example 50
                 */
                limit?: number;
                /** @description `next` of the page before */
                cursor?: string;
                /** @example running */
                state?: "running" | "unwinding" | "stuck" | "done" | "failed";
                kind?: string;
                /** @example 687680cd */
                pi?: string;
                /** @example 0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b */
                disk?: string;
                /** @example raspios */
                bakeform?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "operations": [
                     *         {
                     *           "id": "6ca84799-6d3f-455d-ba4c-2822047e58c2",
                     *           "kind": "bake",
                     *           "state": "running",
                     *           "createdAt": "2026-11-24T12:00:00.000Z",
                     *           "endedAt": "2026-11-24T12:00:00.000Z",
                     *           "pi": "687680cd",
                     *           "disk": "0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b",
                     *           "bakeform": "raspios",
                     *           "actor": "admin",
                     *           "steps": [
                     *             {
                     *               "name": "clone",
                     *               "state": "waiting",
                     *               "startedAt": "2026-11-24T12:00:00.000Z",
                     *               "endedAt": "2026-11-24T12:00:00.000Z"
                     *             }
                     *           ]
                     *         }
                     *       ],
                     *       "next": "WyI2ODc2ODBjZCJd"
                     *     }
                     */
                    "application/json": components["schemas"]["OperationPage"];
                };
            };
            400: components["responses"]["Problem400g"];
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403a"];
            414: components["responses"]["Problem414a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500a"];
            503: components["responses"]["Problem503a"];
        };
    };
    getOperation: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 6ca84799-6d3f-455d-ba4c-2822047e58c2 */
                operationId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "6ca84799-6d3f-455d-ba4c-2822047e58c2",
                     *       "kind": "bake",
                     *       "state": "running",
                     *       "createdAt": "2026-11-24T12:00:00.000Z",
                     *       "endedAt": "2026-11-24T12:00:00.000Z",
                     *       "pi": "687680cd",
                     *       "disk": "0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b",
                     *       "bakeform": "raspios",
                     *       "actor": "admin",
                     *       "steps": [
                     *         {
                     *           "name": "clone",
                     *           "state": "waiting",
                     *           "startedAt": "2026-11-24T12:00:00.000Z",
                     *           "endedAt": "2026-11-24T12:00:00.000Z"
                     *         }
                     *       ],
                     *       "results": [
                     *         {
                     *           "pi": "687680cd",
                     *           "state": "waiting",
                     *           "operation": "6ca84799-6d3f-455d-ba4c-2822047e58c2"
                     *         }
                     *       ],
                     *       "holds": [],
                     *       "events": []
                     *     }
                     */
                    "application/json": components["schemas"]["OperationDetail"];
                };
            };
            400: components["responses"]["Problem400a"];
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403a"];
            404: components["responses"]["Problem404f"];
            414: components["responses"]["Problem414a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500a"];
            503: components["responses"]["Problem503a"];
        };
    };
    retryOperation: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 6ca84799-6d3f-455d-ba4c-2822047e58c2 */
                operationId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Begun; the work goes on. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "6ca84799-6d3f-455d-ba4c-2822047e58c2",
                     *       "kind": "bake",
                     *       "state": "running",
                     *       "createdAt": "2026-11-24T12:00:00.000Z",
                     *       "endedAt": "2026-11-24T12:00:00.000Z",
                     *       "pi": "687680cd",
                     *       "disk": "0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b",
                     *       "bakeform": "raspios",
                     *       "actor": "admin",
                     *       "steps": [
                     *         {
                     *           "name": "clone",
                     *           "state": "waiting",
                     *           "startedAt": "2026-11-24T12:00:00.000Z",
                     *           "endedAt": "2026-11-24T12:00:00.000Z"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["Operation"];
                };
            };
            400: components["responses"]["Problem400f"];
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403a"];
            404: components["responses"]["Problem404f"];
            408: components["responses"]["Problem408a"];
            /**
             * @description It clashes with what is there now.
             *
             *     - `busy`: Another operation holds the Pi, disk or bakeform; the detail names it.
             *     - `not-stuck`: Only a stuck operation can be tried again.
             */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["Problem413a"];
            414: components["responses"]["Problem414a"];
            415: components["responses"]["Problem415a"];
            429: components["responses"]["Problem429a"];
            /**
             * @description A fault of the server or its machine.
             *
             *     - `internal`: A fault of Bakery.
             *     - `operation-kind-unknown`: The journal has an operation that this version does not know.
             */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            503: components["responses"]["Problem503b"];
            507: components["responses"]["Problem507a"];
        };
    };
    cancelOperation: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 6ca84799-6d3f-455d-ba4c-2822047e58c2 */
                operationId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Begun; the work goes on. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "6ca84799-6d3f-455d-ba4c-2822047e58c2",
                     *       "kind": "bake",
                     *       "state": "running",
                     *       "createdAt": "2026-11-24T12:00:00.000Z",
                     *       "endedAt": "2026-11-24T12:00:00.000Z",
                     *       "pi": "687680cd",
                     *       "disk": "0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b",
                     *       "bakeform": "raspios",
                     *       "actor": "admin",
                     *       "steps": [
                     *         {
                     *           "name": "clone",
                     *           "state": "waiting",
                     *           "startedAt": "2026-11-24T12:00:00.000Z",
                     *           "endedAt": "2026-11-24T12:00:00.000Z"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["Operation"];
                };
            };
            400: components["responses"]["Problem400f"];
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403a"];
            404: components["responses"]["Problem404f"];
            408: components["responses"]["Problem408a"];
            /**
             * @description It clashes with what is there now.
             *
             *     - `not-cancellable`: The operation has ended, is being undone already, or has no way back: an unbake, release, detach, delete or purge that began must end.
             */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["Problem413a"];
            414: components["responses"]["Problem414a"];
            415: components["responses"]["Problem415a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500a"];
            503: components["responses"]["Problem503d"];
            507: components["responses"]["Problem507a"];
        };
    };
    listLitter: {
        parameters: {
            query?: {
                /**
                 * @description items of a page
                 * @example 50
                 */
                limit?: number;
                /** @description `next` of the page before */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "litter": [
                     *         {
                     *           "path": "/api/v1/fridge",
                     *           "kind": "file",
                     *           "bytes": 2147483648
                     *         }
                     *       ],
                     *       "more": false,
                     *       "next": "WyI2ODc2ODBjZCJd"
                     *     }
                     */
                    "application/json": components["schemas"]["LitterList"];
                };
            };
            400: components["responses"]["Problem400g"];
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403a"];
            414: components["responses"]["Problem414a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500a"];
            503: components["responses"]["Problem503a"];
        };
    };
    followEvents: {
        parameters: {
            query?: {
                /**
                 * @description number of the last event seen; Last-Event-ID wins. Without: a stream begins now, a page at the oldest kept
                 * @example 0
                 */
                after?: number;
                /**
                 * @description types, parted by commas; .* at the end for all of a kind
                 * @example operation.*
                 */
                types?: string;
                /**
                 * @description instead of the header Accept
                 * @example stream
                 */
                format?: "stream" | "json";
                /**
                 * @description of a page
                 * @example 100
                 */
                limit?: number;
            };
            header?: {
                "last-event-id"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description a stream, or a page */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": string;
                    /**
                     * @example {
                     *       "events": [
                     *         {
                     *           "seq": 41,
                     *           "at": "2026-11-24T12:00:00.000Z",
                     *           "type": "operation.done",
                     *           "operation": "6ca84799-6d3f-455d-ba4c-2822047e58c2",
                     *           "pi": "687680cd",
                     *           "disk": "0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b",
                     *           "bakeform": "raspios",
                     *           "data": {}
                     *         }
                     *       ],
                     *       "next": 41,
                     *       "gap": {
                     *         "wanted": 0,
                     *         "from": 0
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["EventPage"];
                };
            };
            400: components["responses"]["Problem400a"];
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403a"];
            414: components["responses"]["Problem414a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500a"];
            /**
             * @description A part of the server is not ready; trying again may help.
             *
             *     - `database-unusable`: The file at `DB_PATH` is no database of Bakery, or one of a newer version.
             *     - `too-many-streams`: So many streams of events are open that no other is begun.
             *     - `stopping`: The server is stopping and begins nothing new.
             */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    whoAmI: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "name": "bosh-director",
                     *       "scope": "cpi",
                     *       "expiresAt": "2027-11-24T12:00:00Z"
                     *     }
                     */
                    "application/json": components["schemas"]["WhoAmI"];
                };
            };
            400: components["responses"]["Problem400a"];
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403a"];
            414: components["responses"]["Problem414a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500a"];
            503: components["responses"]["Problem503a"];
        };
    };
    listTokens: {
        parameters: {
            query?: {
                /**
                 * @description items of a page
                 * @example 50
                 */
                limit?: number;
                /** @description `next` of the page before */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "tokens": [
                     *         {
                     *           "id": "0f4c2f0e-6a55-4a3e-9d1c-5d0c4f6f2a11",
                     *           "name": "bosh-director",
                     *           "scope": "cpi",
                     *           "createdAt": "2026-11-24T12:00:00.000Z",
                     *           "expiresAt": "2027-11-24T12:00:00Z",
                     *           "lastUsedAt": "2026-11-24T12:00:00.000Z",
                     *           "revokedAt": "2026-11-24T12:00:00.000Z"
                     *         }
                     *       ],
                     *       "next": "WyI2ODc2ODBjZCJd"
                     *     }
                     */
                    "application/json": components["schemas"]["TokenPage"];
                };
            };
            400: components["responses"]["Problem400g"];
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403a"];
            414: components["responses"]["Problem414a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500a"];
            503: components["responses"]["Problem503a"];
        };
    };
    createToken: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "name": "bosh-director",
                 *       "scope": "cpi",
                 *       "expiresAt": "2027-11-24T12:00:00Z"
                 *     }
                 */
                "application/json": components["schemas"]["CreateToken"];
            };
        };
        responses: {
            /** @description Made. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0f4c2f0e-6a55-4a3e-9d1c-5d0c4f6f2a11",
                     *       "name": "bosh-director",
                     *       "scope": "cpi",
                     *       "createdAt": "2026-11-24T12:00:00.000Z",
                     *       "expiresAt": "2027-11-24T12:00:00Z",
                     *       "lastUsedAt": "2026-11-24T12:00:00.000Z",
                     *       "revokedAt": "2026-11-24T12:00:00.000Z",
                     *       "secret": "bakery_q2bWkqk0J9H0v3Wn0c1o8g4VYw1m3n6p5sXzT7uBcD0"
                     *     }
                     */
                    "application/json": components["schemas"]["TokenCreated"];
                };
            };
            /**
             * @description It can never succeed as it is.
             *
             *     - `bad-request`: The body or a parameter does not have the shape that `openapi.yaml` says; the detail names the member.
             *     - `bad-json`: The body is not JSON.
             *     - `bad-expiry`: A token can only expire in the future.
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403a"];
            408: components["responses"]["Problem408a"];
            /**
             * @description It clashes with what is there now.
             *
             *     - `token-exists`: There is a token of that name, or was one: the audit tells tokens apart by their names.
             *     - `too-many-tokens`: There may be 1,000 tokens that are neither revoked nor expired.
             */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["Problem413a"];
            414: components["responses"]["Problem414a"];
            415: components["responses"]["Problem415a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500a"];
            503: components["responses"]["Problem503d"];
            507: components["responses"]["Problem507a"];
        };
    };
    getToken: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description id of a token
                 * @example 0f4c2f0e-6a55-4a3e-9d1c-5d0c4f6f2a11
                 */
                tokenId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0f4c2f0e-6a55-4a3e-9d1c-5d0c4f6f2a11",
                     *       "name": "bosh-director",
                     *       "scope": "cpi",
                     *       "createdAt": "2026-11-24T12:00:00.000Z",
                     *       "expiresAt": "2027-11-24T12:00:00Z",
                     *       "lastUsedAt": "2026-11-24T12:00:00.000Z",
                     *       "revokedAt": "2026-11-24T12:00:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["Token"];
                };
            };
            400: components["responses"]["Problem400a"];
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403a"];
            /**
             * @description It names something that does not exist.
             *
             *     - `token-unknown`: There is no such token, or it ended so long ago that it was forgotten.
             */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            414: components["responses"]["Problem414a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500a"];
            503: components["responses"]["Problem503a"];
        };
    };
    revokeToken: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description id of a token
                 * @example 0f4c2f0e-6a55-4a3e-9d1c-5d0c4f6f2a11
                 */
                tokenId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /** @example {} */
                    "application/json": Record<string, never>;
                };
            };
            400: components["responses"]["Problem400f"];
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403a"];
            408: components["responses"]["Problem408a"];
            413: components["responses"]["Problem413a"];
            414: components["responses"]["Problem414a"];
            415: components["responses"]["Problem415a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500a"];
            503: components["responses"]["Problem503d"];
            507: components["responses"]["Problem507a"];
        };
    };
    listWebhooks: {
        parameters: {
            query?: {
                /**
                 * @description items of a page
                 * @example 50
                 */
                limit?: number;
                /** @description `next` of the page before */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "webhooks": [
                     *         {
                     *           "id": "f1e2d3c4-b5a6-4798-8a9b-0c1d2e3f4a5b",
                     *           "url": "https://ci.example/bakery",
                     *           "types": [
                     *             "operation.*"
                     *           ],
                     *           "createdAt": "2026-11-24T12:00:00.000Z",
                     *           "delivered": 41,
                     *           "failures": 0,
                     *           "nextAttemptAt": "2026-11-24T12:00:00.000Z"
                     *         }
                     *       ],
                     *       "next": "WyI2ODc2ODBjZCJd"
                     *     }
                     */
                    "application/json": components["schemas"]["WebhookList"];
                };
            };
            400: components["responses"]["Problem400g"];
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403a"];
            414: components["responses"]["Problem414a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500a"];
            503: components["responses"]["Problem503a"];
        };
    };
    createWebhook: {
        parameters: {
            query?: never;
            header?: {
                /** @description A name of your choice for this request. Sent again with the same name it does nothing new and gets the same answer, also after a restart of the server. */
                "idempotency-key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "url": "https://ci.example/bakery",
                 *       "types": [
                 *         "operation.*"
                 *       ],
                 *       "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYqr"
                 *     }
                 */
                "application/json": components["schemas"]["CreateWebhook"];
            };
        };
        responses: {
            /** @description Made. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "f1e2d3c4-b5a6-4798-8a9b-0c1d2e3f4a5b",
                     *       "url": "https://ci.example/bakery",
                     *       "types": [
                     *         "operation.*"
                     *       ],
                     *       "createdAt": "2026-11-24T12:00:00.000Z",
                     *       "delivered": 41,
                     *       "failures": 0,
                     *       "nextAttemptAt": "2026-11-24T12:00:00.000Z",
                     *       "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYqr"
                     *     }
                     */
                    "application/json": components["schemas"]["WebhookCreated"];
                };
            };
            /**
             * @description It can never succeed as it is.
             *
             *     - `bad-request`: The body or a parameter does not have the shape that `openapi.yaml` says; the detail names the member.
             *     - `bad-json`: The body is not JSON.
             *     - `bad-webhook-url`: A webhook is an http or https address.
             *     - `bad-webhook-secret`: A secret is `whsec_` and 24 to 64 bytes in base64 (Standard Webhooks).
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403a"];
            408: components["responses"]["Problem408a"];
            /**
             * @description It clashes with what is there now.
             *
             *     - `idempotency-mismatch`: The Idempotency-Key of the request was used before, for another request.
             *     - `too-many-webhooks`: So many webhooks exist that no other is taken.
             */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["Problem413a"];
            414: components["responses"]["Problem414a"];
            415: components["responses"]["Problem415a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500a"];
            503: components["responses"]["Problem503d"];
            507: components["responses"]["Problem507a"];
        };
    };
    getWebhook: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example f1e2d3c4-b5a6-4798-8a9b-0c1d2e3f4a5b */
                webhookId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "f1e2d3c4-b5a6-4798-8a9b-0c1d2e3f4a5b",
                     *       "url": "https://ci.example/bakery",
                     *       "types": [
                     *         "operation.*"
                     *       ],
                     *       "createdAt": "2026-11-24T12:00:00.000Z",
                     *       "delivered": 41,
                     *       "failures": 0,
                     *       "nextAttemptAt": "2026-11-24T12:00:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["Webhook"];
                };
            };
            400: components["responses"]["Problem400a"];
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403a"];
            404: components["responses"]["Problem404g"];
            414: components["responses"]["Problem414a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500a"];
            503: components["responses"]["Problem503a"];
        };
    };
    deleteWebhook: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example f1e2d3c4-b5a6-4798-8a9b-0c1d2e3f4a5b */
                webhookId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /** @example {} */
                    "application/json": Record<string, never>;
                };
            };
            400: components["responses"]["Problem400f"];
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403a"];
            408: components["responses"]["Problem408a"];
            413: components["responses"]["Problem413a"];
            414: components["responses"]["Problem414a"];
            415: components["responses"]["Problem415a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500a"];
            503: components["responses"]["Problem503d"];
            507: components["responses"]["Problem507a"];
        };
    };
    testWebhook: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example f1e2d3c4-b5a6-4798-8a9b-0c1d2e3f4a5b */
                webhookId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "delivered": false,
                     *       "status": 202
                     *     }
                     */
                    "application/json": components["schemas"]["WebhookTest"];
                };
            };
            400: components["responses"]["Problem400f"];
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403a"];
            404: components["responses"]["Problem404g"];
            408: components["responses"]["Problem408a"];
            413: components["responses"]["Problem413a"];
            414: components["responses"]["Problem414a"];
            415: components["responses"]["Problem415a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500a"];
            503: components["responses"]["Problem503d"];
            507: components["responses"]["Problem507a"];
        };
    };
    listAudit: {
        parameters: {
            query?: {
                /**
                 * @description items of a page
                 * @example 50
                 */
                limit?: number;
                /** @description `next` of the page before */
                cursor?: string;
                /**
                 * @description only what was asked with that token
                 * @example admin
                 */
                actor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "entries": [
                     *         {
                     *           "seq": 41,
                     *           "at": "2026-11-24T12:00:00.000Z",
                     *           "actor": "admin",
                     *           "client": "192.0.2.10",
                     *           "method": "POST",
                     *           "path": "/api/v1/fridge",
                     *           "status": 202,
                     *           "operation": "6ca84799-6d3f-455d-ba4c-2822047e58c2",
                     *           "request": "c2b1a3d4-0f1e-4b5a-8c7d-9e0f1a2b3c4d"
                     *         }
                     *       ],
                     *       "next": "WyI2ODc2ODBjZCJd"
                     *     }
                     */
                    "application/json": components["schemas"]["AuditPage"];
                };
            };
            400: components["responses"]["Problem400g"];
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403a"];
            414: components["responses"]["Problem414a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500a"];
            503: components["responses"]["Problem503a"];
        };
    };
    listSnapshots: {
        parameters: {
            query?: {
                /**
                 * @description items of a page
                 * @example 50
                 */
                limit?: number;
                /** @description `next` of the page before */
                cursor?: string;
            };
            header?: never;
            path: {
                /** @example 0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b */
                diskId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "snapshots": [
                     *         {
                     *           "id": "5f0c9a52-8d3b-4a6e-9a57-2c4f6f1f0b7a",
                     *           "disk": "0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b",
                     *           "name": "postgres-data",
                     *           "sizeMiB": 1024,
                     *           "createdAt": "2026-11-24T12:00:00.000Z"
                     *         }
                     *       ],
                     *       "next": "WyI2ODc2ODBjZCJd"
                     *     }
                     */
                    "application/json": components["schemas"]["SnapshotPage"];
                };
            };
            /**
             * @description It can never succeed as it is.
             *
             *     - `bad-request`: The body or a parameter does not have the shape that `openapi.yaml` says; the detail names the member.
             *     - `bad-disk-id`: A disk id is a UUID.
             *     - `bad-cursor`: The cursor of a page is the `next` of the page before it.
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403a"];
            404: components["responses"]["Problem404e"];
            414: components["responses"]["Problem414a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500a"];
            503: components["responses"]["Problem503a"];
        };
    };
    createSnapshot: {
        parameters: {
            query?: never;
            header?: {
                /** @description A name of your choice for this request. Sent again with the same name it does nothing new and gets the same answer, also after a restart of the server. */
                "idempotency-key"?: string;
            };
            path: {
                /** @example 0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b */
                diskId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "name": "postgres-data"
                 *     }
                 */
                "application/json": components["schemas"]["CreateSnapshot"] | null;
            };
        };
        responses: {
            /** @description Made. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "5f0c9a52-8d3b-4a6e-9a57-2c4f6f1f0b7a",
                     *       "disk": "0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b",
                     *       "name": "postgres-data",
                     *       "sizeMiB": 1024,
                     *       "createdAt": "2026-11-24T12:00:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["Snapshot"];
                };
            };
            400: components["responses"]["Problem400e"];
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403d"];
            404: components["responses"]["Problem404e"];
            408: components["responses"]["Problem408a"];
            /**
             * @description It clashes with what is there now.
             *
             *     - `busy`: Another operation holds the Pi, disk or bakeform; the detail names it.
             *     - `cancelled`: The operation was cancelled and everything it had done was undone.
             *     - `interrupted`: A restart of the server interrupted the operation; everything it had done was undone.
             *     - `volume-busy`: Something on the server still uses the volume: a mount in another namespace, or an open file.
             *     - `mount-foreign`: Something else is mounted where a Pi's disk belongs.
             *     - `idempotency-mismatch`: The Idempotency-Key of the request was used before, for another request.
             *     - `snapshot-needs-reflink`: The pool cannot share blocks, so that a copy takes long, and the disk may be written on meanwhile.
             */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["Problem413a"];
            414: components["responses"]["Problem414a"];
            415: components["responses"]["Problem415a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500b"];
            503: components["responses"]["Problem503c"];
            504: components["responses"]["Problem504b"];
            507: components["responses"]["Problem507b"];
        };
    };
    getSnapshot: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 5f0c9a52-8d3b-4a6e-9a57-2c4f6f1f0b7a */
                snapshotId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "5f0c9a52-8d3b-4a6e-9a57-2c4f6f1f0b7a",
                     *       "disk": "0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b",
                     *       "name": "postgres-data",
                     *       "sizeMiB": 1024,
                     *       "createdAt": "2026-11-24T12:00:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["Snapshot"];
                };
            };
            400: components["responses"]["Problem400a"];
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403a"];
            404: components["responses"]["Problem404h"];
            414: components["responses"]["Problem414a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500a"];
            503: components["responses"]["Problem503a"];
        };
    };
    deleteSnapshot: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 5f0c9a52-8d3b-4a6e-9a57-2c4f6f1f0b7a */
                snapshotId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /** @example {} */
                    "application/json": Record<string, never>;
                };
            };
            400: components["responses"]["Problem400f"];
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403a"];
            404: components["responses"]["Problem404h"];
            408: components["responses"]["Problem408a"];
            409: components["responses"]["Problem409a"];
            413: components["responses"]["Problem413a"];
            414: components["responses"]["Problem414a"];
            415: components["responses"]["Problem415a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500b"];
            503: components["responses"]["Problem503c"];
            504: components["responses"]["Problem504a"];
            507: components["responses"]["Problem507b"];
        };
    };
    restoreSnapshot: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b */
                diskId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "snapshot": "5f0c9a52-8d3b-4a6e-9a57-2c4f6f1f0b7a"
                 *     }
                 */
                "application/json": components["schemas"]["RestoreSnapshot"];
            };
        };
        responses: {
            /** @description Begun; the work goes on. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "6ca84799-6d3f-455d-ba4c-2822047e58c2",
                     *       "kind": "bake",
                     *       "state": "running",
                     *       "createdAt": "2026-11-24T12:00:00.000Z",
                     *       "endedAt": "2026-11-24T12:00:00.000Z",
                     *       "pi": "687680cd",
                     *       "disk": "0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b",
                     *       "bakeform": "raspios",
                     *       "actor": "admin",
                     *       "steps": [
                     *         {
                     *           "name": "clone",
                     *           "state": "waiting",
                     *           "startedAt": "2026-11-24T12:00:00.000Z",
                     *           "endedAt": "2026-11-24T12:00:00.000Z"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["Operation"];
                };
            };
            400: components["responses"]["Problem400e"];
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403c"];
            /**
             * @description It names something that does not exist.
             *
             *     - `disk-unknown`: There is no disk with that id that is ready.
             *     - `snapshot-unknown`: There is no snapshot with that id, or it is of another disk.
             */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            408: components["responses"]["Problem408a"];
            409: components["responses"]["Problem409b"];
            413: components["responses"]["Problem413a"];
            414: components["responses"]["Problem414a"];
            415: components["responses"]["Problem415a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500a"];
            503: components["responses"]["Problem503b"];
            507: components["responses"]["Problem507a"];
        };
    };
    listPis: {
        parameters: {
            query?: {
                /**
                 * @description items of a page
                 * @example 50
                 */
                limit?: number;
                /** @description `next` of the page before */
                cursor?: string;
                /** @example fridge */
                state?: "fridge" | "baking" | "baked" | "unbaking" | "held";
                /**
                 * @description of its revision code, in any case
                 * @example 4B
                 */
                model?: string;
                /** @example rack1-07 */
                name?: string;
                /**
                 * @description what it is baked from
                 * @example debian-13
                 */
                bakeform?: string;
                /**
                 * @description a text in its id, name, tags, notes, MAC, address or port, in any case
                 * @example rack1
                 */
                q?: string;
                /**
                 * @description it has at least so much, by its revision code
                 * @example 2048
                 */
                minMemoryMiB?: number;
                /**
                 * @description may be given more than once: it has every one of them
                 * @example [
                 *       "ci"
                 *     ]
                 */
                tag?: string[];
                /** @example false */
                maintenance?: boolean;
                /** @example false */
                quarantine?: boolean;
                /** @example false */
                awaitOff?: boolean;
                /**
                 * @description whether it has one
                 * @example false
                 */
                fault?: boolean;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "pis": [
                     *         {
                     *           "id": "687680cd",
                     *           "status": 1,
                     *           "disks": [
                     *             {
                     *               "id": "0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b",
                     *               "location": "/srv/bakery/nfs/0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b",
                     *               "size": 1024,
                     *               "nfsAddress": "192.0.2.1"
                     *             }
                     *           ],
                     *           "sourceBakeform": {
                     *             "name": "raspios",
                     *             "location": "/srv/bakery/nfs/0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b"
                     *           },
                     *           "state": "fridge",
                     *           "address": "192.0.2.44",
                     *           "mac": "b8:27:eb:76:80:cd",
                     *           "desiredPower": "on",
                     *           "maintenance": false,
                     *           "awaitOff": false,
                     *           "quarantine": false,
                     *           "name": "rack1-07",
                     *           "tags": [
                     *             "ci",
                     *             "rack=1"
                     *           ],
                     *           "notes": "the fan is loud",
                     *           "manageDisks": true,
                     *           "port": {
                     *             "switch": "poe-a",
                     *             "port": "12"
                     *           },
                     *           "portUnlisted": false,
                     *           "movedTo": {
                     *             "switch": "poe-a",
                     *             "port": "12"
                     *           },
                     *           "revision": "a020d3",
                     *           "model": "3B+",
                     *           "memoryMiB": 1024,
                     *           "processor": "BCM2837",
                     *           "lastSeenAt": "2026-11-24T12:00:00.000Z",
                     *           "power": {
                     *             "reach": "port",
                     *             "desired": "on"
                     *           }
                     *         }
                     *       ],
                     *       "next": "WyI2ODc2ODBjZCJd"
                     *     }
                     */
                    "application/json": components["schemas"]["PiPage"];
                };
            };
            400: components["responses"]["Problem400g"];
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403a"];
            414: components["responses"]["Problem414a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500a"];
            503: components["responses"]["Problem503a"];
        };
    };
    registerPi: {
        parameters: {
            query?: never;
            header?: {
                /** @description A name of your choice for this request. Sent again with the same name it does nothing new and gets the same answer, also after a restart of the server. */
                "idempotency-key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "id": "00000000687680cd",
                 *       "mac": "b8:27:eb:80:cd:7d",
                 *       "name": "rack1-07",
                 *       "tags": [
                 *         "ci",
                 *         "rack=1"
                 *       ],
                 *       "notes": "the fan is loud",
                 *       "port": {
                 *         "switch": "poe-a",
                 *         "port": "12"
                 *       },
                 *       "revision": "a020d3"
                 *     }
                 */
                "application/json": components["schemas"]["NewPi"];
            };
        };
        responses: {
            /** @description Made. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "687680cd",
                     *       "status": 1,
                     *       "disks": [
                     *         {
                     *           "id": "0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b",
                     *           "location": "/srv/bakery/nfs/0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b",
                     *           "size": 1024,
                     *           "nfsAddress": "192.0.2.1"
                     *         }
                     *       ],
                     *       "sourceBakeform": {
                     *         "name": "raspios",
                     *         "location": "/srv/bakery/nfs/0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b"
                     *       },
                     *       "state": "fridge",
                     *       "address": "192.0.2.44",
                     *       "mac": "b8:27:eb:76:80:cd",
                     *       "desiredPower": "on",
                     *       "maintenance": false,
                     *       "awaitOff": false,
                     *       "quarantine": false,
                     *       "name": "rack1-07",
                     *       "tags": [
                     *         "ci",
                     *         "rack=1"
                     *       ],
                     *       "notes": "the fan is loud",
                     *       "manageDisks": true,
                     *       "port": {
                     *         "switch": "poe-a",
                     *         "port": "12"
                     *       },
                     *       "portUnlisted": false,
                     *       "movedTo": {
                     *         "switch": "poe-a",
                     *         "port": "12"
                     *       },
                     *       "revision": "a020d3",
                     *       "model": "3B+",
                     *       "memoryMiB": 1024,
                     *       "processor": "BCM2837",
                     *       "lastSeenAt": "2026-11-24T12:00:00.000Z",
                     *       "power": {
                     *         "reach": "port",
                     *         "desired": "on"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["Pi"];
                };
            };
            /**
             * @description It can never succeed as it is.
             *
             *     - `bad-request`: The body or a parameter does not have the shape that `openapi.yaml` says; the detail names the member.
             *     - `bad-json`: The body is not JSON.
             *     - `mac-of-another`: The MAC of a Pi 1 to 3 (`b8:27:eb`) ends in the last six digits of its serial number, and this one does not.
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403a"];
            408: components["responses"]["Problem408a"];
            /**
             * @description It clashes with what is there now.
             *
             *     - `idempotency-mismatch`: The Idempotency-Key of the request was used before, for another request.
             *     - `pi-exists`: There is a Pi with that id already.
             *     - `pi-name-taken`: Another Pi is called so; the detail says which.
             *     - `port-taken`: Another Pi has its power from that port of that switch; the detail says which.
             *     - `mac-taken`: Another Pi is bound to that MAC; the detail says which.
             */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["Problem413a"];
            414: components["responses"]["Problem414a"];
            415: components["responses"]["Problem415a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500a"];
            503: components["responses"]["Problem503d"];
            507: components["responses"]["Problem507a"];
        };
    };
    findPi: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description its id, serial number or name
                 * @example 687680cd
                 */
                piId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "687680cd",
                     *       "status": 1,
                     *       "disks": [
                     *         {
                     *           "id": "0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b",
                     *           "location": "/srv/bakery/nfs/0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b",
                     *           "size": 1024,
                     *           "nfsAddress": "192.0.2.1"
                     *         }
                     *       ],
                     *       "sourceBakeform": {
                     *         "name": "raspios",
                     *         "location": "/srv/bakery/nfs/0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b"
                     *       },
                     *       "state": "fridge",
                     *       "address": "192.0.2.44",
                     *       "mac": "b8:27:eb:76:80:cd",
                     *       "desiredPower": "on",
                     *       "maintenance": false,
                     *       "awaitOff": false,
                     *       "quarantine": false,
                     *       "name": "rack1-07",
                     *       "tags": [
                     *         "ci",
                     *         "rack=1"
                     *       ],
                     *       "notes": "the fan is loud",
                     *       "manageDisks": true,
                     *       "port": {
                     *         "switch": "poe-a",
                     *         "port": "12"
                     *       },
                     *       "portUnlisted": false,
                     *       "movedTo": {
                     *         "switch": "poe-a",
                     *         "port": "12"
                     *       },
                     *       "revision": "a020d3",
                     *       "model": "3B+",
                     *       "memoryMiB": 1024,
                     *       "processor": "BCM2837",
                     *       "lastSeenAt": "2026-11-24T12:00:00.000Z",
                     *       "power": {
                     *         "reach": "port",
                     *         "desired": "on"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["Pi"];
                };
            };
            400: components["responses"]["Problem400c"];
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403a"];
            404: components["responses"]["Problem404a"];
            414: components["responses"]["Problem414a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500a"];
            503: components["responses"]["Problem503a"];
        };
    };
    forgetPi: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description its id, serial number or name
                 * @example 687680cd
                 */
                piId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /** @example {} */
                    "application/json": Record<string, never>;
                };
            };
            400: components["responses"]["Problem400d"];
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403a"];
            404: components["responses"]["Problem404a"];
            408: components["responses"]["Problem408a"];
            /**
             * @description It clashes with what is there now.
             *
             *     - `pi-in-use`: The root of an unbaked Pi can only be restored while that Pi is in the fridge, and only a Pi in the fridge can be forgotten.
             *     - `busy`: Another operation holds the Pi, disk or bakeform; the detail names it.
             */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["Problem413a"];
            414: components["responses"]["Problem414a"];
            415: components["responses"]["Problem415a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500a"];
            503: components["responses"]["Problem503d"];
            507: components["responses"]["Problem507a"];
        };
    };
    patchPi: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description its id, serial number or name
                 * @example 687680cd
                 */
                piId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "name": "rack1-07",
                 *       "tags": [
                 *         "ci",
                 *         "rack=1"
                 *       ],
                 *       "notes": "the fan is loud",
                 *       "port": {
                 *         "switch": "poe-a",
                 *         "port": "12"
                 *       },
                 *       "revision": "a020d3",
                 *       "maintenance": true,
                 *       "manageDisks": true
                 *     }
                 */
                "application/json": components["schemas"]["PiPatch"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "687680cd",
                     *       "status": 1,
                     *       "disks": [
                     *         {
                     *           "id": "0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b",
                     *           "location": "/srv/bakery/nfs/0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b",
                     *           "size": 1024,
                     *           "nfsAddress": "192.0.2.1"
                     *         }
                     *       ],
                     *       "sourceBakeform": {
                     *         "name": "raspios",
                     *         "location": "/srv/bakery/nfs/0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b"
                     *       },
                     *       "state": "fridge",
                     *       "address": "192.0.2.44",
                     *       "mac": "b8:27:eb:76:80:cd",
                     *       "desiredPower": "on",
                     *       "maintenance": false,
                     *       "awaitOff": false,
                     *       "quarantine": false,
                     *       "name": "rack1-07",
                     *       "tags": [
                     *         "ci",
                     *         "rack=1"
                     *       ],
                     *       "notes": "the fan is loud",
                     *       "manageDisks": true,
                     *       "port": {
                     *         "switch": "poe-a",
                     *         "port": "12"
                     *       },
                     *       "portUnlisted": false,
                     *       "movedTo": {
                     *         "switch": "poe-a",
                     *         "port": "12"
                     *       },
                     *       "revision": "a020d3",
                     *       "model": "3B+",
                     *       "memoryMiB": 1024,
                     *       "processor": "BCM2837",
                     *       "lastSeenAt": "2026-11-24T12:00:00.000Z",
                     *       "power": {
                     *         "reach": "port",
                     *         "desired": "on"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["Pi"];
                };
            };
            400: components["responses"]["Problem400d"];
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403a"];
            404: components["responses"]["Problem404a"];
            408: components["responses"]["Problem408a"];
            /**
             * @description It clashes with what is there now.
             *
             *     - `pi-name-taken`: Another Pi is called so; the detail says which.
             *     - `port-taken`: Another Pi has its power from that port of that switch; the detail says which.
             */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["Problem413a"];
            414: components["responses"]["Problem414a"];
            415: components["responses"]["Problem415a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500a"];
            503: components["responses"]["Problem503d"];
            507: components["responses"]["Problem507a"];
        };
    };
    admitPi: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description its id, serial number or name
                 * @example 687680cd
                 */
                piId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "687680cd",
                     *       "status": 1,
                     *       "disks": [
                     *         {
                     *           "id": "0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b",
                     *           "location": "/srv/bakery/nfs/0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b",
                     *           "size": 1024,
                     *           "nfsAddress": "192.0.2.1"
                     *         }
                     *       ],
                     *       "sourceBakeform": {
                     *         "name": "raspios",
                     *         "location": "/srv/bakery/nfs/0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b"
                     *       },
                     *       "state": "fridge",
                     *       "address": "192.0.2.44",
                     *       "mac": "b8:27:eb:76:80:cd",
                     *       "desiredPower": "on",
                     *       "maintenance": false,
                     *       "awaitOff": false,
                     *       "quarantine": false,
                     *       "name": "rack1-07",
                     *       "tags": [
                     *         "ci",
                     *         "rack=1"
                     *       ],
                     *       "notes": "the fan is loud",
                     *       "manageDisks": true,
                     *       "port": {
                     *         "switch": "poe-a",
                     *         "port": "12"
                     *       },
                     *       "portUnlisted": false,
                     *       "movedTo": {
                     *         "switch": "poe-a",
                     *         "port": "12"
                     *       },
                     *       "revision": "a020d3",
                     *       "model": "3B+",
                     *       "memoryMiB": 1024,
                     *       "processor": "BCM2837",
                     *       "lastSeenAt": "2026-11-24T12:00:00.000Z",
                     *       "power": {
                     *         "reach": "port",
                     *         "desired": "on"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["Pi"];
                };
            };
            400: components["responses"]["Problem400d"];
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403a"];
            404: components["responses"]["Problem404a"];
            408: components["responses"]["Problem408a"];
            413: components["responses"]["Problem413a"];
            414: components["responses"]["Problem414a"];
            415: components["responses"]["Problem415a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500a"];
            503: components["responses"]["Problem503d"];
            507: components["responses"]["Problem507a"];
        };
    };
    confirmPiOff: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description its id, serial number or name
                 * @example 687680cd
                 */
                piId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "687680cd",
                     *       "status": 1,
                     *       "disks": [
                     *         {
                     *           "id": "0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b",
                     *           "location": "/srv/bakery/nfs/0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b",
                     *           "size": 1024,
                     *           "nfsAddress": "192.0.2.1"
                     *         }
                     *       ],
                     *       "sourceBakeform": {
                     *         "name": "raspios",
                     *         "location": "/srv/bakery/nfs/0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b"
                     *       },
                     *       "state": "fridge",
                     *       "address": "192.0.2.44",
                     *       "mac": "b8:27:eb:76:80:cd",
                     *       "desiredPower": "on",
                     *       "maintenance": false,
                     *       "awaitOff": false,
                     *       "quarantine": false,
                     *       "name": "rack1-07",
                     *       "tags": [
                     *         "ci",
                     *         "rack=1"
                     *       ],
                     *       "notes": "the fan is loud",
                     *       "manageDisks": true,
                     *       "port": {
                     *         "switch": "poe-a",
                     *         "port": "12"
                     *       },
                     *       "portUnlisted": false,
                     *       "movedTo": {
                     *         "switch": "poe-a",
                     *         "port": "12"
                     *       },
                     *       "revision": "a020d3",
                     *       "model": "3B+",
                     *       "memoryMiB": 1024,
                     *       "processor": "BCM2837",
                     *       "lastSeenAt": "2026-11-24T12:00:00.000Z",
                     *       "power": {
                     *         "reach": "port",
                     *         "desired": "on"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["Pi"];
                };
            };
            400: components["responses"]["Problem400d"];
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403a"];
            404: components["responses"]["Problem404a"];
            408: components["responses"]["Problem408a"];
            413: components["responses"]["Problem413a"];
            414: components["responses"]["Problem414a"];
            415: components["responses"]["Problem415a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500a"];
            503: components["responses"]["Problem503d"];
            507: components["responses"]["Problem507a"];
        };
    };
    releasePi: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description its id, serial number or name
                 * @example 687680cd
                 */
                piId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "isOff": false
                 *     }
                 */
                "application/json": components["schemas"]["ReleaseRequest"];
            };
        };
        responses: {
            /** @description Begun; the work goes on. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "687680cd",
                     *       "status": 1,
                     *       "disks": [
                     *         {
                     *           "id": "0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b",
                     *           "location": "/srv/bakery/nfs/0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b",
                     *           "size": 1024,
                     *           "nfsAddress": "192.0.2.1"
                     *         }
                     *       ],
                     *       "sourceBakeform": {
                     *         "name": "raspios",
                     *         "location": "/srv/bakery/nfs/0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b"
                     *       },
                     *       "state": "fridge",
                     *       "address": "192.0.2.44",
                     *       "mac": "b8:27:eb:76:80:cd",
                     *       "desiredPower": "on",
                     *       "maintenance": false,
                     *       "awaitOff": false
                     *     }
                     */
                    "application/json": components["schemas"]["PiInfo"];
                };
            };
            400: components["responses"]["Problem400d"];
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403a"];
            404: components["responses"]["Problem404a"];
            408: components["responses"]["Problem408a"];
            /**
             * @description It clashes with what is there now.
             *
             *     - `busy`: Another operation holds the Pi, disk or bakeform; the detail names it.
             *     - `pi-not-held`: Only a held Pi can be released.
             */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["Problem413a"];
            414: components["responses"]["Problem414a"];
            415: components["responses"]["Problem415a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500a"];
            503: components["responses"]["Problem503b"];
            507: components["responses"]["Problem507a"];
        };
    };
    getPiPower: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description its id, serial number or name
                 * @example 687680cd
                 */
                piId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "reach": "port",
                     *       "desired": "on",
                     *       "observed": "on"
                     *     }
                     */
                    "application/json": components["schemas"]["PiPower"];
                };
            };
            400: components["responses"]["Problem400c"];
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403a"];
            404: components["responses"]["Problem404a"];
            414: components["responses"]["Problem414a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500a"];
            503: components["responses"]["Problem503a"];
        };
    };
    switchPi: {
        parameters: {
            query?: never;
            header?: {
                /** @description A name of your choice for this request. Sent again with the same name it does nothing new and gets the same answer, also after a restart of the server. */
                "idempotency-key"?: string;
            };
            path: {
                /**
                 * @description its id, serial number or name
                 * @example 687680cd
                 */
                piId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "action": "cycle"
                 *     }
                 */
                "application/json": components["schemas"]["PowerRequest"];
            };
        };
        responses: {
            /** @description Begun; the work goes on. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "6ca84799-6d3f-455d-ba4c-2822047e58c2",
                     *       "kind": "bake",
                     *       "state": "running",
                     *       "createdAt": "2026-11-24T12:00:00.000Z",
                     *       "endedAt": "2026-11-24T12:00:00.000Z",
                     *       "pi": "687680cd",
                     *       "disk": "0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b",
                     *       "bakeform": "raspios",
                     *       "actor": "admin",
                     *       "steps": [
                     *         {
                     *           "name": "clone",
                     *           "state": "waiting",
                     *           "startedAt": "2026-11-24T12:00:00.000Z",
                     *           "endedAt": "2026-11-24T12:00:00.000Z"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["Operation"];
                };
            };
            400: components["responses"]["Problem400d"];
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403a"];
            404: components["responses"]["Problem404a"];
            408: components["responses"]["Problem408a"];
            /**
             * @description It clashes with what is there now.
             *
             *     - `busy`: Another operation holds the Pi, disk or bakeform; the detail names it.
             *     - `idempotency-mismatch`: The Idempotency-Key of the request was used before, for another request.
             *     - `pi-quarantined`: The Pi is not admitted yet, and nobody switches it.
             *     - `power-not-configured`: The Pi is bound to no port of the power driver, or to a port of a switch that there is not.
             *     - `power-on-unbaked`: A Pi in the fridge has nothing to boot, and is switched off as soon as it asks.
             */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["Problem413a"];
            414: components["responses"]["Problem414a"];
            415: components["responses"]["Problem415a"];
            /**
             * @description Too many for now.
             *
             *     - `too-many-failures`: From that address came too many calls without a valid token.
             *     - `too-many-cycles`: The Pi was power-cycled `BAKERY_CYCLES_PER_HOUR` times in the last hour, which helps no Pi.
             */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            500: components["responses"]["Problem500a"];
            503: components["responses"]["Problem503b"];
            507: components["responses"]["Problem507a"];
        };
    };
    listSwitches: {
        parameters: {
            query?: {
                /**
                 * @description items of a page
                 * @example 50
                 */
                limit?: number;
                /** @description `next` of the page before */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "switches": [
                     *         {
                     *           "name": "poe-a",
                     *           "kind": "snmp-poe",
                     *           "settings": {
                     *             "host": "192.0.2.7",
                     *             "user": "bakery"
                     *           },
                     *           "secrets": {
                     *             "authKey": true,
                     *             "privKey": true
                     *           },
                     *           "notes": "top of rack 1",
                     *           "createdAt": "2026-11-24T12:00:00.000Z",
                     *           "boundPis": 12,
                     *           "description": "GS308EP V1.0.1.4",
                     *           "surveyedAt": "2026-11-24T12:00:00.000Z"
                     *         }
                     *       ],
                     *       "next": "WyI2ODc2ODBjZCJd"
                     *     }
                     */
                    "application/json": components["schemas"]["SwitchPage"];
                };
            };
            400: components["responses"]["Problem400g"];
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403a"];
            414: components["responses"]["Problem414a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500a"];
            503: components["responses"]["Problem503a"];
        };
    };
    createSwitch: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "name": "poe-a",
                 *       "kind": "snmp-poe",
                 *       "settings": {
                 *         "host": "192.0.2.7",
                 *         "user": "bakery",
                 *         "authKey": "…",
                 *         "privKey": "…"
                 *       },
                 *       "notes": "top of rack 1"
                 *     }
                 */
                "application/json": components["schemas"]["NewSwitch"];
            };
        };
        responses: {
            /** @description Made. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "name": "poe-a",
                     *       "kind": "snmp-poe",
                     *       "settings": {
                     *         "host": "192.0.2.7",
                     *         "user": "bakery"
                     *       },
                     *       "secrets": {
                     *         "authKey": true,
                     *         "privKey": true
                     *       },
                     *       "notes": "top of rack 1",
                     *       "createdAt": "2026-11-24T12:00:00.000Z",
                     *       "boundPis": 12,
                     *       "description": "GS308EP V1.0.1.4",
                     *       "surveyedAt": "2026-11-24T12:00:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["Switch"];
                };
            };
            /**
             * @description It can never succeed as it is.
             *
             *     - `bad-request`: The body or a parameter does not have the shape that `openapi.yaml` says; the detail names the member.
             *     - `bad-json`: The body is not JSON.
             *     - `switch-kind-unknown`: This server has no such kind of switches.
             *     - `bad-switch-settings`: The kind of the switch does not take these settings; the detail says which is wrong.
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403a"];
            408: components["responses"]["Problem408a"];
            /**
             * @description It clashes with what is there now.
             *
             *     - `switch-exists`: There is a switch of that name already.
             *     - `too-many-switches`: So many switches exist that no other is taken.
             */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["Problem413a"];
            414: components["responses"]["Problem414a"];
            415: components["responses"]["Problem415a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500a"];
            503: components["responses"]["Problem503e"];
            507: components["responses"]["Problem507a"];
        };
    };
    listSwitchKinds: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "kinds": [
                     *         {
                     *           "name": "snmp-poe",
                     *           "title": "managed PoE switches over SNMP",
                     *           "secrets": [
                     *             "authKey"
                     *           ],
                     *           "address": [
                     *             "host",
                     *             "port"
                     *           ],
                     *           "settings": {
                     *             "type": "object",
                     *             "properties": {
                     *               "host": {
                     *                 "type": "string"
                     *               }
                     *             },
                     *             "required": [
                     *               "host"
                     *             ]
                     *           }
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["SwitchKinds"];
                };
            };
            400: components["responses"]["Problem400a"];
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403a"];
            414: components["responses"]["Problem414a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500a"];
            503: components["responses"]["Problem503a"];
        };
    };
    getSwitch: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description name of a switch
                 * @example poe-a
                 */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "name": "poe-a",
                     *       "kind": "snmp-poe",
                     *       "settings": {
                     *         "host": "192.0.2.7",
                     *         "user": "bakery"
                     *       },
                     *       "secrets": {
                     *         "authKey": true,
                     *         "privKey": true
                     *       },
                     *       "notes": "top of rack 1",
                     *       "createdAt": "2026-11-24T12:00:00.000Z",
                     *       "boundPis": 12,
                     *       "description": "GS308EP V1.0.1.4",
                     *       "surveyedAt": "2026-11-24T12:00:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["Switch"];
                };
            };
            400: components["responses"]["Problem400a"];
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403a"];
            404: components["responses"]["Problem404i"];
            414: components["responses"]["Problem414a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500a"];
            503: components["responses"]["Problem503a"];
        };
    };
    deleteSwitch: {
        parameters: {
            query?: {
                /**
                 * @description bind the Pis on its ports to none; else it is refused while there are some
                 * @example false
                 */
                unbind?: boolean;
            };
            header?: never;
            path: {
                /**
                 * @description name of a switch
                 * @example poe-a
                 */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /** @example {} */
                    "application/json": Record<string, never>;
                };
            };
            400: components["responses"]["Problem400f"];
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403a"];
            408: components["responses"]["Problem408a"];
            /**
             * @description It clashes with what is there now.
             *
             *     - `switch-in-use`: Pis are bound to ports of that switch; nobody could switch them any more.
             */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["Problem413a"];
            414: components["responses"]["Problem414a"];
            415: components["responses"]["Problem415a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500a"];
            503: components["responses"]["Problem503d"];
            507: components["responses"]["Problem507a"];
        };
    };
    patchSwitch: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description name of a switch
                 * @example poe-a
                 */
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "settings": {
                 *         "authKey": "…"
                 *       },
                 *       "notes": "top of rack 1"
                 *     }
                 */
                "application/json": components["schemas"]["SwitchPatch"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "name": "poe-a",
                     *       "kind": "snmp-poe",
                     *       "settings": {
                     *         "host": "192.0.2.7",
                     *         "user": "bakery"
                     *       },
                     *       "secrets": {
                     *         "authKey": true,
                     *         "privKey": true
                     *       },
                     *       "notes": "top of rack 1",
                     *       "createdAt": "2026-11-24T12:00:00.000Z",
                     *       "boundPis": 12,
                     *       "description": "GS308EP V1.0.1.4",
                     *       "surveyedAt": "2026-11-24T12:00:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["Switch"];
                };
            };
            /**
             * @description It can never succeed as it is.
             *
             *     - `bad-request`: The body or a parameter does not have the shape that `openapi.yaml` says; the detail names the member.
             *     - `bad-json`: The body is not JSON.
             *     - `switch-kind-unknown`: This server has no such kind of switches.
             *     - `bad-switch-settings`: The kind of the switch does not take these settings; the detail says which is wrong.
             *     - `switch-secrets-needed`: The change would have the secrets of the switch sent to another address than they were given for, or in another way; the detail says which setting does, and which secrets to send with it.
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403a"];
            404: components["responses"]["Problem404i"];
            408: components["responses"]["Problem408a"];
            /**
             * @description It clashes with what is there now.
             *
             *     - `switch-credentials-lost`: The credentials of the switch cannot be read, so nothing else of its settings can be changed alone.
             */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["Problem413a"];
            414: components["responses"]["Problem414a"];
            415: components["responses"]["Problem415a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500a"];
            503: components["responses"]["Problem503e"];
            507: components["responses"]["Problem507a"];
        };
    };
    testSwitch: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description name of a switch
                 * @example poe-a
                 */
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "port": "12"
                 *     }
                 */
                "application/json": components["schemas"]["TestSwitch"] | null;
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "description": "GS308EP V1.0.1.4",
                     *       "ports": 8,
                     *       "budget": {
                     *         "limitMilliwatts": 62000,
                     *         "usedMilliwatts": 8200
                     *       },
                     *       "power": "on"
                     *     }
                     */
                    "application/json": components["schemas"]["SwitchTest"];
                };
            };
            400: components["responses"]["Problem400f"];
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403a"];
            404: components["responses"]["Problem404i"];
            408: components["responses"]["Problem408a"];
            409: components["responses"]["Problem409c"];
            413: components["responses"]["Problem413a"];
            414: components["responses"]["Problem414a"];
            415: components["responses"]["Problem415a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500a"];
            503: components["responses"]["Problem503f"];
            504: components["responses"]["Problem504c"];
            507: components["responses"]["Problem507a"];
        };
    };
    listSwitchPorts: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description name of a switch
                 * @example poe-a
                 */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "description": "GS308EP V1.0.1.4",
                     *       "at": "2026-11-24T12:00:00.000Z",
                     *       "ports": [
                     *         {
                     *           "port": "12",
                     *           "power": "on",
                     *           "delivers": true,
                     *           "milliwatts": 4100,
                     *           "link": true,
                     *           "pi": "687680cd",
                     *           "found": [
                     *             "687680cd"
                     *           ]
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["SwitchPorts"];
                };
            };
            400: components["responses"]["Problem400a"];
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403a"];
            404: components["responses"]["Problem404i"];
            409: components["responses"]["Problem409c"];
            414: components["responses"]["Problem414a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500a"];
            /**
             * @description A part of the server is not ready; trying again may help.
             *
             *     - `database-unusable`: The file at `DB_PATH` is no database of Bakery, or one of a newer version.
             *     - `switch-failed`: The switch did not answer as it should; it may in a moment.
             *     - `stopping`: The server is stopping and begins nothing new.
             */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            504: components["responses"]["Problem504c"];
        };
    };
    discoverPorts: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description name of a switch
                 * @example poe-a
                 */
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "apply": true,
                 *       "rebind": false
                 *     }
                 */
                "application/json": components["schemas"]["DiscoverPorts"] | null;
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "applied": false,
                     *       "pis": [
                     *         {
                     *           "pi": "687680cd",
                     *           "outcome": "bound",
                     *           "port": {
                     *             "switch": "poe-a",
                     *             "port": "12"
                     *           },
                     *           "boundTo": {
                     *             "switch": "poe-a",
                     *             "port": "12"
                     *           },
                     *           "binds": false
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["Discovery"];
                };
            };
            400: components["responses"]["Problem400f"];
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403a"];
            404: components["responses"]["Problem404i"];
            408: components["responses"]["Problem408a"];
            409: components["responses"]["Problem409c"];
            413: components["responses"]["Problem413a"];
            414: components["responses"]["Problem414a"];
            415: components["responses"]["Problem415a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500a"];
            503: components["responses"]["Problem503f"];
            504: components["responses"]["Problem504c"];
            507: components["responses"]["Problem507a"];
        };
    };
    listBoots: {
        parameters: {
            query?: {
                /**
                 * @description items of a page
                 * @example 50
                 */
                limit?: number;
                /** @description `next` of the page before */
                cursor?: string;
            };
            header?: never;
            path: {
                /**
                 * @description its id, serial number or name
                 * @example 687680cd
                 */
                piId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "boots": [],
                     *       "next": "WyI2ODc2ODBjZCJd"
                     *     }
                     */
                    "application/json": components["schemas"]["BootPage"];
                };
            };
            /**
             * @description It can never succeed as it is.
             *
             *     - `bad-request`: The body or a parameter does not have the shape that `openapi.yaml` says; the detail names the member.
             *     - `bad-pi-id`: A Pi id is the last 8 hex digits of its serial number (`cut -c 9-16` of `Serial` in /proc/cpuinfo).
             *     - `bad-cursor`: The cursor of a page is the `next` of the page before it.
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403a"];
            404: components["responses"]["Problem404a"];
            414: components["responses"]["Problem414a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500a"];
            503: components["responses"]["Problem503a"];
        };
    };
    tellReady: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description its id, serial number or name
                 * @example 687680cd
                 */
                piId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "time": "2026-11-24T12:00:00.000Z"
                 *     }
                 */
                "application/json": components["schemas"]["ReadyReport"] | null;
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /** @example {} */
                    "application/json": Record<string, never>;
                };
            };
            400: components["responses"]["Problem400d"];
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403a"];
            404: components["responses"]["Problem404a"];
            408: components["responses"]["Problem408a"];
            413: components["responses"]["Problem413a"];
            414: components["responses"]["Problem414a"];
            415: components["responses"]["Problem415a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500a"];
            503: components["responses"]["Problem503d"];
            507: components["responses"]["Problem507a"];
        };
    };
    bulk: {
        parameters: {
            query?: never;
            header?: {
                /** @description A name of your choice for this request. Sent again with the same name it does nothing new and gets the same answer, also after a restart of the server. */
                "idempotency-key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "action": "power",
                 *       "power": "cycle",
                 *       "select": {
                 *         "state": "baked",
                 *         "tags": [
                 *           "ci"
                 *         ]
                 *       },
                 *       "atATime": 4
                 *     }
                 */
                "application/json": components["schemas"]["BulkRequest"];
            };
        };
        responses: {
            /** @description Begun; the work goes on. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "6ca84799-6d3f-455d-ba4c-2822047e58c2",
                     *       "kind": "bake",
                     *       "state": "running",
                     *       "createdAt": "2026-11-24T12:00:00.000Z",
                     *       "endedAt": "2026-11-24T12:00:00.000Z",
                     *       "pi": "687680cd",
                     *       "disk": "0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b",
                     *       "bakeform": "raspios",
                     *       "actor": "admin",
                     *       "steps": [
                     *         {
                     *           "name": "clone",
                     *           "state": "waiting",
                     *           "startedAt": "2026-11-24T12:00:00.000Z",
                     *           "endedAt": "2026-11-24T12:00:00.000Z"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["Operation"];
                };
            };
            /**
             * @description It can never succeed as it is.
             *
             *     - `bad-request`: The body or a parameter does not have the shape that `openapi.yaml` says; the detail names the member.
             *     - `bad-json`: The body is not JSON.
             *     - `bad-pi-id`: A Pi id is the last 8 hex digits of its serial number (`cut -c 9-16` of `Serial` in /proc/cpuinfo).
             *     - `no-pi-meant`: A bulk action means at least one Pi.
             *     - `too-many-pis`: A bulk action means 1000 Pis at most.
             *     - `bad-bakeform-name`: A bakeform name has 1 to 128 letters, digits or `.
             *     - `bad-authorized-key`: One of `authorizedKeys` is no OpenSSH public key that is taken.
             *     - `bad-user-data`: The `userData` is nothing that cloud-init can read.
             *     - `root-too-small`: The `rootSize` is less than the size that the bakeform's roots have.
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403b"];
            404: components["responses"]["Problem404a"];
            408: components["responses"]["Problem408a"];
            /**
             * @description It clashes with what is there now.
             *
             *     - `idempotency-mismatch`: The Idempotency-Key of the request was used before, for another request.
             */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["Problem413a"];
            414: components["responses"]["Problem414a"];
            415: components["responses"]["Problem415a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500a"];
            503: components["responses"]["Problem503b"];
            507: components["responses"]["Problem507a"];
        };
    };
    rebakePi: {
        parameters: {
            query?: never;
            header?: {
                /** @description A name of your choice for this request. Sent again with the same name it does nothing new and gets the same answer, also after a restart of the server. */
                "idempotency-key"?: string;
            };
            path: {
                /** @example 687680cd */
                piId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "bakeformName": "raspios",
                 *       "keepPiConfig": true
                 *     }
                 */
                "application/json": components["schemas"]["RebakeRequest"];
            };
        };
        responses: {
            /** @description Begun; the work goes on. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "6ca84799-6d3f-455d-ba4c-2822047e58c2",
                     *       "kind": "bake",
                     *       "state": "running",
                     *       "createdAt": "2026-11-24T12:00:00.000Z",
                     *       "endedAt": "2026-11-24T12:00:00.000Z",
                     *       "pi": "687680cd",
                     *       "disk": "0b6f5c1e-3a86-4a0e-9d3b-6a5f0e1d2c4b",
                     *       "bakeform": "raspios",
                     *       "actor": "admin",
                     *       "steps": [
                     *         {
                     *           "name": "clone",
                     *           "state": "waiting",
                     *           "startedAt": "2026-11-24T12:00:00.000Z",
                     *           "endedAt": "2026-11-24T12:00:00.000Z"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["Operation"];
                };
            };
            400: components["responses"]["Problem400b"];
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403b"];
            404: components["responses"]["Problem404a"];
            408: components["responses"]["Problem408a"];
            /**
             * @description It clashes with what is there now.
             *
             *     - `busy`: Another operation holds the Pi, disk or bakeform; the detail names it.
             *     - `idempotency-mismatch`: The Idempotency-Key of the request was used before, for another request.
             *     - `pi-not-baked`: The call needs a Pi with status 2.
             *     - `exports-exhausted`: An NFS server has 65,535 export ids and all are in use.
             */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["Problem413a"];
            414: components["responses"]["Problem414a"];
            415: components["responses"]["Problem415a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500a"];
            503: components["responses"]["Problem503b"];
            507: components["responses"]["Problem507a"];
        };
    };
    downloadFile: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 687680cd */
                piId: string;
                /** @example settings.json */
                filename: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the bytes of the file */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": unknown;
                };
            };
            /**
             * @description It can never succeed as it is.
             *
             *     - `bad-request`: The body or a parameter does not have the shape that `openapi.yaml` says; the detail names the member.
             *     - `bad-pi-id`: A Pi id is the last 8 hex digits of its serial number (`cut -c 9-16` of `Serial` in /proc/cpuinfo).
             *     - `bad-filename`: A file name in `/piConfig` is one path component of letters, digits and `.
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403e"];
            /**
             * @description It names something that does not exist.
             *
             *     - `pi-unknown`: No Pi with that id has been seen.
             *     - `file-unknown`: There is no such file in the Pi's `/piConfig`.
             */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            409: components["responses"]["Problem409d"];
            414: components["responses"]["Problem414a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500a"];
            503: components["responses"]["Problem503a"];
        };
    };
    getBootFile: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 687680cd */
                piId: string;
                /**
                 * @description path of the boot file, `cmdline.txt` for one
                 * @example cmdline.txt
                 */
                filename: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the bytes of the file */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": unknown;
                };
            };
            400: components["responses"]["Problem400a"];
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403a"];
            /**
             * @description It names something that does not exist.
             *
             *     - `boot-file-unknown`: That Pi has no such boot file, is not baked, or is not to be told.
             */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            414: components["responses"]["Problem414a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500a"];
            503: components["responses"]["Problem503a"];
        };
    };
    getDnsmasqConfiguration: {
        parameters: {
            query?: {
                /**
                 * @description `proxy` offers boot files beside the site's DHCP server, `full` is that server
                 * @example full
                 */
                mode?: "proxy" | "full";
                /**
                 * @description the wire's; the default is that of the server's address
                 * @example 10.0.0.0/24
                 */
                subnet?: string;
                /**
                 * @description of the addresses that are given away; `full` needs it
                 * @example 10.0.0.100
                 */
                first?: string;
                /**
                 * @description of the addresses that are given away; `full` needs it
                 * @example 10.0.0.200
                 */
                last?: string;
                /**
                 * @description the default route of the clients; the default is none
                 * @example 10.0.0.254
                 */
                router?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the file */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                };
            };
            /**
             * @description It can never succeed as it is.
             *
             *     - `bad-request`: The body or a parameter does not have the shape that `openapi.yaml` says; the detail names the member.
             *     - `bad-dnsmasq-plan`: The configuration of dnsmasq cannot be made of that: the mode `full` needs `first` and `last`, addresses must be in the subnet, and the subnet must be named where it is not that of an address of the server.
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403a"];
            414: components["responses"]["Problem414a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500a"];
            503: components["responses"]["Problem503a"];
        };
    };
    getConsole: {
        parameters: {
            query?: {
                /**
                 * @description of its end, at most
                 * @example 4096
                 */
                bytes?: number;
            };
            header?: never;
            path: {
                /**
                 * @description its id, serial number or name
                 * @example 687680cd
                 */
                piId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description its last lines */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                };
            };
            400: components["responses"]["Problem400c"];
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403a"];
            /**
             * @description It names something that does not exist.
             *
             *     - `pi-unknown`: No Pi with that id has been seen.
             *     - `no-console`: Nobody writes down what the serial console of that Pi prints.
             */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            414: components["responses"]["Problem414a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500a"];
            503: components["responses"]["Problem503a"];
        };
    };
    listUploads: {
        parameters: {
            query?: {
                /**
                 * @description items of a page
                 * @example 50
                 */
                limit?: number;
                /** @description `next` of the page before */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "uploads": [
                     *         {
                     *           "id": "5f0c9a52-8d3b-4a6e-9a57-2c4f6f1f0b7a",
                     *           "bytes": 536870912,
                     *           "offset": 104857600,
                     *           "createdAt": "2026-11-24T12:00:00.000Z",
                     *           "secondsLeft": 86400
                     *         }
                     *       ],
                     *       "next": "WyI2ODc2ODBjZCJd"
                     *     }
                     */
                    "application/json": components["schemas"]["UploadList"];
                };
            };
            400: components["responses"]["Problem400g"];
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403a"];
            414: components["responses"]["Problem414a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500a"];
            503: components["responses"]["Problem503a"];
        };
    };
    createUpload: {
        parameters: {
            query?: never;
            header: {
                /**
                 * @description the version of tus that the client speaks, if it speaks that
                 * @example 1.0.0
                 */
                "tus-resumable"?: string;
                /**
                 * @description how many bytes there are in all
                 * @example 536870912
                 */
                "upload-length": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Made. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "5f0c9a52-8d3b-4a6e-9a57-2c4f6f1f0b7a",
                     *       "bytes": 536870912,
                     *       "offset": 104857600,
                     *       "createdAt": "2026-11-24T12:00:00.000Z",
                     *       "secondsLeft": 86400
                     *     }
                     */
                    "application/json": components["schemas"]["Upload"];
                };
            };
            400: components["responses"]["Problem400f"];
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403b"];
            408: components["responses"]["Problem408a"];
            /**
             * @description It clashes with what is there now.
             *
             *     - `uploads-too-many`: There are as many uploads in pieces as may be.
             */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            412: components["responses"]["Problem412a"];
            413: components["responses"]["Problem413b"];
            414: components["responses"]["Problem414a"];
            415: components["responses"]["Problem415a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500a"];
            503: components["responses"]["Problem503d"];
            507: components["responses"]["Problem507a"];
        };
    };
    getUpload: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 5f0c9a52-8d3b-4a6e-9a57-2c4f6f1f0b7a */
                uploadId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "5f0c9a52-8d3b-4a6e-9a57-2c4f6f1f0b7a",
                     *       "bytes": 536870912,
                     *       "offset": 104857600,
                     *       "createdAt": "2026-11-24T12:00:00.000Z",
                     *       "secondsLeft": 86400
                     *     }
                     */
                    "application/json": components["schemas"]["Upload"];
                };
            };
            /**
             * @description It can never succeed as it is.
             *
             *     - `bad-request`: The body or a parameter does not have the shape that `openapi.yaml` says; the detail names the member.
             *     - `bad-upload-id`: The id of an upload is a UUID, as `POST /uploads` told it.
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403a"];
            404: components["responses"]["Problem404d"];
            414: components["responses"]["Problem414a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500a"];
            503: components["responses"]["Problem503a"];
        };
    };
    deleteUpload: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 5f0c9a52-8d3b-4a6e-9a57-2c4f6f1f0b7a */
                uploadId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done; there is nothing to say. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /**
             * @description It can never succeed as it is.
             *
             *     - `bad-request`: The body or a parameter does not have the shape that `openapi.yaml` says; the detail names the member.
             *     - `bad-json`: The body is not JSON.
             *     - `bad-upload-id`: The id of an upload is a UUID, as `POST /uploads` told it.
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403a"];
            404: components["responses"]["Problem404d"];
            408: components["responses"]["Problem408a"];
            413: components["responses"]["Problem413a"];
            414: components["responses"]["Problem414a"];
            415: components["responses"]["Problem415a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500a"];
            503: components["responses"]["Problem503d"];
            507: components["responses"]["Problem507a"];
        };
    };
    sendPiece: {
        parameters: {
            query?: never;
            header: {
                /**
                 * @description the version of tus that the client speaks, if it speaks that
                 * @example 1.0.0
                 */
                "tus-resumable"?: string;
                /**
                 * @description where the piece begins: as many bytes as are there
                 * @example 0
                 */
                "upload-offset": string;
            };
            path: {
                /** @example 5f0c9a52-8d3b-4a6e-9a57-2c4f6f1f0b7a */
                uploadId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/offset+octet-stream": string;
            };
        };
        responses: {
            /** @description Done; there is nothing to say. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /**
             * @description It can never succeed as it is.
             *
             *     - `bad-request`: The body or a parameter does not have the shape that `openapi.yaml` says; the detail names the member.
             *     - `bad-upload-id`: The id of an upload is a UUID, as `POST /uploads` told it.
             *     - `upload-cut-off`: The connection ended before the body was whole.
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403a"];
            404: components["responses"]["Problem404d"];
            408: components["responses"]["Problem408b"];
            /**
             * @description It clashes with what is there now.
             *
             *     - `upload-offset`: The piece does not begin where the bytes that are there end, or the upload goes on in another call.
             */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            412: components["responses"]["Problem412a"];
            /**
             * @description It is too large.
             *
             *     - `body-too-large`: A JSON body may have 1 MiB.
             *     - `upload-too-long`: More bytes came than the upload was to have by its `Upload-Length`.
             *     - `upload-too-large`: An upload may have `BAKERY_MAX_UPLOAD`.
             */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            414: components["responses"]["Problem414a"];
            415: components["responses"]["Problem415a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500a"];
            503: components["responses"]["Problem503d"];
            507: components["responses"]["Problem507b"];
        };
    };
    uploadFile: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 687680cd */
                piId: string;
                /** @example settings.json */
                filename: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/octet-stream": string;
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /** @example {} */
                    "application/json": Record<string, never>;
                };
            };
            /**
             * @description It can never succeed as it is.
             *
             *     - `bad-request`: The body or a parameter does not have the shape that `openapi.yaml` says; the detail names the member.
             *     - `bad-pi-id`: A Pi id is the last 8 hex digits of its serial number (`cut -c 9-16` of `Serial` in /proc/cpuinfo).
             *     - `bad-filename`: A file name in `/piConfig` is one path component of letters, digits and `.
             *     - `upload-cut-off`: The connection ended before the body was whole.
             */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            401: components["responses"]["Problem401a"];
            403: components["responses"]["Problem403e"];
            404: components["responses"]["Problem404a"];
            408: components["responses"]["Problem408b"];
            409: components["responses"]["Problem409d"];
            413: components["responses"]["Problem413b"];
            414: components["responses"]["Problem414a"];
            415: components["responses"]["Problem415a"];
            429: components["responses"]["Problem429a"];
            500: components["responses"]["Problem500a"];
            503: components["responses"]["Problem503d"];
            /**
             * @description There is no room for it.
             *
             *     - `database-full`: The disk of the database (`DB_PATH`) is full.
             *     - `root-full`: The Pi's root has no room for the file.
             *     - `pool-full`: The pool has no room, or the host none to grow it.
             */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
}
