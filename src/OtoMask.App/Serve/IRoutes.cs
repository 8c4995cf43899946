using Microsoft.AspNetCore.Builder;

namespace OtoMask.App.Serve;

/// <summary>A page of the server, with all that it asks for.</summary>
internal interface IRoutes
{
    /// <summary>Says what is answered where.</summary>
    /// <param name="app">Who answers.</param>
    /// <param name="ending">Is cancelled when the server ends: what goes on without end ends with it.</param>
    void Map(WebApplication app, CancellationToken ending);
}
