/**
 * @generated SignedSource<<aea960e4c5c6982eb82ef25a2568a2e0>>
 * @lightSyntaxTransform
 */

/* tslint:disable */
/* eslint-disable */
// @ts-nocheck

import { ConcreteRequest } from 'relay-runtime';
export type SnapshotStatus = "COMPLETED" | "CREATING" | "DELETED" | "DELETING" | "FAILED" | "UNAVAILABLE" | "%future added value";
export type firstWatchSubscription$variables = {
  after?: string | null | undefined;
};
export type firstWatchSubscription$data = {
  readonly snapshotTransitions: {
    readonly to: SnapshotStatus;
  };
};
export type firstWatchSubscription = {
  response: firstWatchSubscription$data;
  variables: firstWatchSubscription$variables;
};

const node: ConcreteRequest = (function(){
var v0 = [
  {
    "defaultValue": null,
    "kind": "LocalArgument",
    "name": "after"
  }
],
v1 = [
  {
    "alias": null,
    "args": [
      {
        "kind": "Variable",
        "name": "after",
        "variableName": "after"
      }
    ],
    "concreteType": "SnapshotTransition",
    "kind": "LinkedField",
    "name": "snapshotTransitions",
    "plural": false,
    "selections": [
      {
        "alias": null,
        "args": null,
        "kind": "ScalarField",
        "name": "to",
        "storageKey": null
      }
    ],
    "storageKey": null
  }
];
return {
  "fragment": {
    "argumentDefinitions": (v0/*:: as any*/),
    "kind": "Fragment",
    "metadata": null,
    "name": "firstWatchSubscription",
    "selections": (v1/*:: as any*/),
    "type": "Subscription",
    "abstractKey": null
  },
  "kind": "Request",
  "operation": {
    "argumentDefinitions": (v0/*:: as any*/),
    "kind": "Operation",
    "name": "firstWatchSubscription",
    "selections": (v1/*:: as any*/)
  },
  "params": {
    "cacheID": "b2d2ed89673f779a05b6bf3e2abe2c81",
    "id": null,
    "metadata": {},
    "name": "firstWatchSubscription",
    "operationKind": "subscription",
    "text": "subscription firstWatchSubscription(\n  $after: String\n) {\n  snapshotTransitions(after: $after) {\n    to\n  }\n}\n"
  }
};
})();

(node as any).hash = "346d51d7b91d088940317f7e93b626b2";

export default node;
