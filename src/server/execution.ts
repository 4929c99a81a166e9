import { execute, getOperationAST, subscribe, type ExecutionArgs, type ExecutionResult } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import type { Context } from '../graphql/context.ts'
import { coerceVariables } from '../graphql/variables.ts'

/**
 * Executes with the engine of the fast path, and only when the variables are right: wherever an operation runs, these
 * are read by one function.
 */
export function useExecution(mayIntrospect: (viewer: Context['viewer']) => boolean): Plugin {
  function refused(args: ExecutionArgs): ExecutionResult | undefined {
    const { schema, document, operationName, variableValues, contextValue } = args
    const operation = getOperationAST(document, operationName)
    if (!operation) return undefined
    const hideSuggestions = !mayIntrospect((contextValue as Context).viewer)
    const { errors } = coerceVariables(schema, operation, variableValues, { hideSuggestions })
    // The request is at fault, whatever the client accepts.
    for (const { extensions } of errors ?? []) extensions.http = { status: 400 }
    return errors && { errors }
  }

  return {
    onExecute({ setExecuteFn }) {
      setExecuteFn((args: ExecutionArgs) => refused(args) ?? execute(args))
    },

    onSubscribe({ setSubscribeFn }) {
      setSubscribeFn((args: ExecutionArgs) => refused(args) ?? subscribe(args))
    },
  }
}
