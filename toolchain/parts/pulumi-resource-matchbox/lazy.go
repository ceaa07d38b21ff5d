package main

import (
	"context"
	"sync"
	"time"

	"github.com/hashicorp/terraform-plugin-sdk/v2/diag"
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema"
)

// A call of the server takes milliseconds. The provider itself waits for an answer without end, and the engine waits
// for the provider.
const callTimeout = 60 * time.Second

type act = func(context.Context, *schema.ResourceData, any) diag.Diagnostics

// lazily makes a provider connect when a resource is made, read or deleted, and not when it is configured.
//
// The provider dials its server while it is configured, and a plan configures it: a plan would need the
// server, and would take half a minute to say so.
func lazily(provider *schema.Provider) *schema.Provider {
	dial := provider.ConfigureFunc
	provider.ConfigureFunc = func(data *schema.ResourceData) (any, error) {
		return sync.OnceValues(func() (any, error) { return dial(data) }), nil
	}
	for _, resource := range provider.ResourcesMap {
		resource.CreateContext = connected(resource.CreateContext)
		resource.ReadContext = connected(resource.ReadContext)
		resource.DeleteContext = connected(resource.DeleteContext)
	}
	return provider
}

func connected(then act) act {
	return func(ctx context.Context, data *schema.ResourceData, meta any) diag.Diagnostics {
		client, err := meta.(func() (any, error))()
		if err != nil {
			return diag.FromErr(err)
		}
		ctx, cancel := context.WithTimeout(ctx, callTimeout)
		defer cancel()
		return then(ctx, data, client)
	}
}
