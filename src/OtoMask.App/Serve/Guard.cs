using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace OtoMask.App.Serve;

/// <summary>
/// Who may ask the server, and what its answers allow a page to do. Pages of other origins get nothing, not even by a name that was made to point here (DNS
/// rebinding); on another address than this machine's own, everybody needs the token.
/// </summary>
/// <param name="address">The address the server listens on.</param>
/// <param name="token">What who asks must know; null on loopback.</param>
internal sealed class Guard(IPAddress address, string? token)
{
    /// <summary>The header that pages of ours send with whatever changes something: no form of another page can.</summary>
    public const string Mark = "X-OtoMask";

    private const string Cookie = "otomask", Query = "token";

    // Styles are set by scripts element by element, which the policy counts as inline; nothing else is.
    private const string Policy =
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; media-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    /// <summary>The policy of a report that a run or a study has in its folder: its scripts run, in an origin of their own that reaches nothing of ours.</summary>
    public const string PolicyOfReports =
        "sandbox allow-scripts allow-downloads; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    /// <summary>A token that nobody guesses.</summary>
    public static string NewToken() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));

    /// <summary>Answers who may not ask, and hands the others on.</summary>
    public async Task Check(HttpContext context, RequestDelegate next)
    {
        HttpRequest request = context.Request;
        IHeaderDictionary headers = context.Response.Headers;
        headers.ContentSecurityPolicy = Policy;
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers.CacheControl = "no-store";

        if (!IsOurs(request.Host))
            await Refuse(context, StatusCodes.Status421MisdirectedRequest, $"this server is not called {request.Host}; open the address that `otomask serve` printed");
        else if (ComesFromElsewhere(request))
            await Refuse(context, StatusCodes.Status403Forbidden, "another page may not ask this server");
        else if (token is null || Knows(request.Cookies[Cookie]))
            await next(context);
        else if (HttpMethods.IsGet(request.Method) && Knows(request.Query[Query]))
        {
            // From here on the browser knows it, and the address that people copy and share does not show it.
            context.Response.Cookies.Append(Cookie, token, new CookieOptions { HttpOnly = true, SameSite = SameSiteMode.Strict, Path = "/" });
            context.Response.Redirect(request.Path);
        }
        else
            await Refuse(context, StatusCodes.Status401Unauthorized, "open the address that `otomask serve` printed, with its token");
    }

    /// <summary>A line and its status.</summary>
    private static async Task Refuse(HttpContext context, int status, string why)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/plain; charset=utf-8";
        await context.Response.WriteAsync(OneLine.Of(why) + "\n", context.RequestAborted);
    }

    /// <summary>Whether the browser means this machine: on loopback by one of its own names; elsewhere the token tells.</summary>
    private bool IsOurs(HostString host) => !IPAddress.IsLoopback(address) || host.Host is "localhost" || (IPAddress.TryParse(host.Host.Trim('[', ']'), out IPAddress? named) && IPAddress.IsLoopback(named));

    private static bool ComesFromElsewhere(HttpRequest request)
    {
        string site = request.Headers["Sec-Fetch-Site"].ToString(), mode = request.Headers["Sec-Fetch-Mode"].ToString(), origin = request.Headers.Origin.ToString();
        bool changes = !HttpMethods.IsGet(request.Method) && !HttpMethods.IsHead(request.Method);
        if (site is "cross-site" or "same-site" && (changes || mode != "navigate"))
            return true;
        if (origin.Length > 0 && !string.Equals(origin, $"{request.Scheme}://{request.Host}", StringComparison.OrdinalIgnoreCase))
            return true;
        return changes && !request.Headers.ContainsKey(Mark);
    }

    private bool Knows(string? said) => said is not null && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(said), Encoding.UTF8.GetBytes(token!));
}
