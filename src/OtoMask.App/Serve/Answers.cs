using Microsoft.AspNetCore.Http;

namespace OtoMask.App.Serve;

/// <summary>How the server answers, and how it says what is wrong with a question: one line, as the commands do.</summary>
internal static class Answers
{
    /// <summary>What an action gives, or why it was refused.</summary>
    public static IResult Of(Func<IResult> act)
    {
        try
        {
            return act();
        }
        catch (UserErrorException error)
        {
            return Refused(error);
        }
    }

    /// <inheritdoc cref="Of(Func{IResult})"/>
    public static async Task<IResult> OfAsync(Func<Task<IResult>> act)
    {
        try
        {
            return await act();
        }
        catch (UserErrorException error)
        {
            return Refused(error);
        }
    }

    private static IResult Refused(UserErrorException error) => Results.Text(OneLine.Of(error.Message), "text/plain; charset=utf-8", statusCode: StatusCodes.Status409Conflict);
}
