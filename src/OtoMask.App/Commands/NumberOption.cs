using System.CommandLine;
using System.Globalization;

namespace OtoMask.App.Commands;

/// <summary>An option that takes the numbers of a range: its help names them, and others are refused when it is read.</summary>
/// <typeparam name="T">A number, or one that may be absent.</typeparam>
internal sealed class NumberOption<T> : Option<T>
{
    private readonly NumberRange range;

    public NumberOption(string name, NumberRange range, string description)
        : base(name)
    {
        this.range = range;
        Description = $"{description.TrimEnd('.')}; {range}.";
    }

    /// <summary>Its value on a command line.</summary>
    /// <exception cref="UserErrorException">It is out of range.</exception>
    public T? Read(ParseResult line)
    {
        T? value = line.GetValue(this);
        if (value is IConvertible number)
            range.Require(Name, number.ToDouble(CultureInfo.InvariantCulture));
        return value;
    }
}
