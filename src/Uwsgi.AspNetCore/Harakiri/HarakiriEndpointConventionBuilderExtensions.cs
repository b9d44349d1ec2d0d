using Uwsgi.AspNetCore;
using Uwsgi.AspNetCore.Harakiri;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Gives endpoints a time limit of their own.</summary>
public static class HarakiriEndpointConventionBuilderExtensions
{
    /// <summary>Limits how long the requests of endpoints may take, whatever the options and the mount say.</summary>
    /// <typeparam name="TBuilder">The type of the builder.</typeparam>
    /// <param name="builder">The endpoints.</param>
    /// <param name="timeout">The time, more than zero and at most a hundred days.</param>
    /// <returns>The builder.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The time is not more than zero, or more than a hundred days.</exception>
    public static TBuilder WithHarakiri<TBuilder>(this TBuilder builder, TimeSpan timeout)
        where TBuilder : IEndpointConventionBuilder
    {
        ArgumentNullException.ThrowIfNull(builder);
        HarakiriLimits.ThrowIfInvalid(timeout, nameof(timeout));
        return builder.WithMetadata(new HarakiriAttribute(timeout.TotalSeconds));
    }

    /// <summary>Lets the requests of endpoints take as long as they like.</summary>
    /// <typeparam name="TBuilder">The type of the builder.</typeparam>
    /// <param name="builder">The endpoints.</param>
    /// <returns>The builder.</returns>
    public static TBuilder DisableHarakiri<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.WithMetadata(new DisableHarakiriAttribute());
    }
}
